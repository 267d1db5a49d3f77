/** The memory of a session: entries in order, append only, and its checkpoints. */

import type { MessageId } from "../discord/ids.ts";
import type { ModelMessage } from "../model.ts";
import type { InboundMessage, Sender } from "./inbound.ts";
import { plainName, withNames } from "./mentions.ts";

/** Kind of content in a fence. The model should act only on a `message`, and read an `event`. */
export type FenceName =
  | "context"
  | "quoted"
  | "extras"
  | "message"
  | "event"
  | "file"
  | "result"
  | "summary"
  | "transcript";

export interface Part {
  /** As the model reads it, escaped for its fence. */
  readonly text: string;
  /** Neighbours of one fence stand in it together; absent: a line of Barnacle's own. */
  readonly fence?: FenceName;
  /** Who wrote a `message`, as its line says. */
  readonly from?: string;
  /** Whether it says that the turn shows an image; absent: no. */
  readonly isImage?: boolean;
  /**
   * Ids of the messages, people and events that its words are from; none if they are Barnacle's own.
   * Absent: unknown, so that its whole turn goes with any person.
   */
  readonly of?: readonly string[];
}

/** A text with its parts. */
export interface PartedText {
  readonly text: string;
  readonly parts: readonly Part[];
  /** Boundary of its fences. */
  readonly boundary: string;
}

/** The text of parts, as the model reads it. */
export function partedText(parts: readonly Part[], boundary: string): PartedText {
  const lines: string[] = [];
  let open: FenceName | undefined;
  for (const { fence, text } of [...parts, { fence: undefined, text: "" }]) {
    if (fence !== open) {
      if (open) lines.push(`</${open}>`);
      if (fence) lines.push(`<${fence} boundary="${boundary}">`);
      open = fence;
    }
    lines.push(text);
  }
  lines.pop(); // of the end that closes the last fence
  return { text: lines.join("\n"), parts, boundary };
}

/** Why a session began anew: once a day, after an idle time, or by a command (S4a). */
export type ResetCause = "daily" | "idle" | "command";

/**
 * Why entries were folded: the window was full, the model's server refused the request, or a person
 * asked for it.
 */
export type FoldCause = "full" | "refused" | "command";

/** A summary of all entries since the last reset, up to a checkpoint. */
export interface Summary {
  /** Boundary of the fence around the text: always the same one, so that providers can cache it. */
  readonly boundary: string;
  /** Text by the model about words of people. Untrusted. */
  readonly text: string;
  /** Whether no model wrote it: then it has the first words of each message; absent: one did. */
  readonly isPlain?: boolean;
}

/** The newest checkpoint of a session. */
export interface Checkpoint {
  /** Absent after a reset: then the model knows nothing of earlier entries. */
  readonly summary?: Summary;
  readonly at: number;
}

/** Entries of a session since its newest checkpoint. */
export interface OpenEntries {
  /** Number of entries that are older than these, but newer than the checkpoint. */
  readonly older: number;
  /** The newest ones, oldest first. */
  readonly entries: readonly Entry[];
  /** How often people have changed words in entries of the session, in this process; absent: never. */
  readonly changes?: number;
}

/**
 * The oldest entries of a session since its newest checkpoint, up to the end of a turn. The range
 * has no numbers of the store: the newest entries may be stored without one.
 */
export interface FoldRange {
  /** Number of entries, from the first one after the checkpoint. */
  readonly count: number;
  /**
   * The last of them. If a checkpoint was added or entries were removed, another entry is at this
   * position.
   */
  readonly last: Pick<Entry, "messageId" | "role">;
}

export interface Fold extends FoldRange, Pick<OpenEntries, "changes"> {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly cause: FoldCause;
  /** The summary of all entries since the last reset. */
  readonly summary: Summary;
  /** Id of the model that wrote it; absent if none did. */
  readonly modelId?: string;
}

export interface Folded {
  /** Number of folded entries since the last reset; 0 if there are none. */
  readonly entries: number;
  /** Number of messages to which these entries belong. */
  readonly messages: number;
  /** UTF-16 units of the summary. */
  readonly summaryChars: number;
  /** When the newest of them were folded, as Unix time in milliseconds; absent if there are none. */
  readonly at?: number;
  /** Whether no model wrote the summary; absent: one did. */
  readonly isPlain?: boolean;
}

/**
 * One entry of a session's history: a message as the model read or wrote it. The text of a `user`
 * entry is that of its parts (H3), that of a `tool` entry the result, shortened for later turns.
 */
export type Entry = ModelMessage & Partial<PartedText> & {
  /** The message to the bot, or the message that the turn of this entry answers. */
  readonly messageId: MessageId;
  readonly at: number;
  /** Whether its turn showed images, of an entry without its parts; absent: no. */
  readonly showsImages?: boolean;
};

/** A message in a channel that was not addressed to the bot (H1). */
export interface Overheard {
  readonly messageId: MessageId;
  /** The author as {@link labelOf} writes it. Untrusted. */
  readonly tag: string;
  readonly authorId: string;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
  /** Unix time in milliseconds, from the message's id. */
  readonly sentAt: number;
}

/**
 * The name by which a model knows a sender: `"ada"`, `"ada#1234"`, or `"Aria (PK:The Crew)"` for a
 * PluralKit member (P13). Members choose their names, so only we may write parentheses.
 */
export function labelOf({ username, tag, pluralkit }: Sender): string {
  if (!pluralkit) return tag ?? username;
  const { name, displayName = name, system } = pluralkit;
  return `${plainName(displayName)} (${system === undefined ? "PK" : `PK:${plainName(system)}`})`;
}

/** A message's text, with a line for each other part. */
export function withExtras({ text, extras }: Pick<InboundMessage, "text" | "extras">): string {
  return [text, ...extras.map((extra) => `[${extra.kind}: ${extra.text}]`)]
    .filter((part) => part !== "")
    .join("\n");
}

/** Keeps of a message its text, and a line for each extra. */
export function toOverheard(
  { id, sender, text, extras, quoted, forwards, sentAt, names }: InboundMessage,
): Overheard {
  return {
    messageId: id,
    tag: labelOf(sender),
    authorId: sender.id,
    text: withNames(withExtras({ text, extras }), names),
    replyTo: quoted?.id,
    sentAt,
    ...(forwards && { forwards }),
  };
}
