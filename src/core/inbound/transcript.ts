/** The memory of a session: entries in order, append only. */

import type { MessageId } from "../discord/ids.ts";
import type { ModelMessage } from "../model.ts";
import type { InboundMessage, Sender } from "./inbound.ts";
import { plainName, withNames } from "./mentions.ts";
import type { PartedText } from "./parts.ts";

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
