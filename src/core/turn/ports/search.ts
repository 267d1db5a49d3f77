/** Declares searches in a server's own messages (T17). */

import type { ChannelId, GuildId, MessageId, UserId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";
import { RefusedCall } from "../../refused_call.ts";
import { clip } from "../../../lib/text/cut.ts";
import { comparing, queryWords } from "../../../lib/text/search_words.ts";
import type { DiscordCall, ShownMessage } from "./discord_call.ts";

export interface ServerQuery {
  readonly words: string;
  /** Absent: the server of the message; in direct messages, all that the asker is in. */
  readonly guildId?: GuildId;
  /** Only in this channel or thread; absent: in all. */
  readonly channelId?: ChannelId;
  /** Only messages of this person; absent: of all. */
  readonly authorId?: UserId;
  /** Only older messages; absent: no limit. */
  readonly before?: MessageId;
  /** Only newer messages; absent: no limit. */
  readonly after?: MessageId;
  /** 1 to 10. */
  readonly limit: number;
}

/** A message of another person that replies to a source, as Discord has it now. */
export interface FoundReply {
  readonly link: string;
  readonly text: string;
}

/** Something that was found, as Discord has it now. */
export interface FoundSource {
  /** `post`: the title of a thread. `topic`: the topic of a channel. */
  readonly kind: "message" | "post" | "topic";
  readonly link: string;
  /** Name of the channel or thread. Untrusted. */
  readonly where: string;
  /** The text: of the message, or the topic. Untrusted. */
  readonly text: string;
  /** The message; absent for a topic. */
  readonly message?: ShownMessage;
  /** Set if people have pinned it. */
  readonly isPinned?: true;
  /** Those that may be shown, the oldest first. */
  readonly replies: readonly FoundReply[];
  /** How well it matches, from 0 to 1. */
  readonly score: number;
}

export interface FoundSources {
  /** The best first. */
  readonly sources: readonly FoundSource[];
  /** What the search could not see, in words for the model. */
  readonly notes: readonly string[];
}

/** Whose rights bound what a turn reads: of all readers of its answer, or of its askers alone. */
export type Reach = "readers" | "asker";

/**
 * Finds whose rights bound what the turn of a message reads from servers.
 *
 * @param sharesDirect Whether all direct messages share a session (`session.dmScope: "main"`).
 * @throws {RefusedCall} If people share the conversation who have no rights that can be compared.
 */
export function reachOf(
  { place }: Pick<InboundMessage, "place">,
  sharesDirect: boolean,
): Reach {
  if (place.kind === "guild") return "readers";
  if (place.kind === "dm" && !sharesDirect) return "asker";
  throw new RefusedCall(
    "place",
    place.kind === "dm"
      ? "all direct messages share one conversation here, so other people could learn what only " +
        "this person may read; they can use the command /search on the server"
      : "a group has no server to read",
  );
}

export interface SearchReach {
  /** The question, and those that share its turn. */
  readonly messages: readonly InboundMessage[];
  /**
   * `readers`: only messages that everyone may read who can read the channel of the question.
   * `asker`: those that the people who ask may read; only they see the result.
   */
  readonly reach: Reach;
  /** Maximum milliseconds to wait while Discord builds its index; 0: the search goes on without. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Searches servers for their own messages. */
export type SearchServers = (by: SearchReach, query: ServerQuery) => Promise<FoundSources>;

export interface KnowledgePort {
  /**
   * Searches with the reach of the call's place.
   *
   * @throws {RefusedCall} If the place has no reach, or Discord refuses; as a rejection.
   */
  search(call: DiscordCall, query: ServerQuery): Promise<FoundSources>;
}

/** Maximum UTF-16 units of a message in a result, and of the result. */
const MESSAGE_CHARS = 1_200;
const RESULT_CHARS = 7_000;

/** Found sources as lines for the model, as many as fit. */
export function sourceLines(
  sources: readonly FoundSource[],
  notes: readonly string[] = [],
): string {
  const told = notes.map((note) => `[${note}]`);
  if (sources.length === 0) {
    return [...told, "Nothing was found that may be shown here."].join("\n");
  }
  let chars = 0;
  const lines = sources.map(lineOf);
  const fitting = lines.filter((line, at) =>
    (chars += line.length + 1) <= RESULT_CHARS || at === 0
  );
  return [...told, ...fitting].join("\n");
}

function lineOf({ kind, link, where, text, message, isPinned, replies }: FoundSource): string {
  return JSON.stringify({
    kind: kind === "message" ? undefined : kind,
    link,
    channel: where,
    from: message?.from,
    at: message && new Date(message.timestampMs).toISOString(),
    pinned: isPinned,
    text: clip(text, MESSAGE_CHARS),
    replies: replies.length > 0
      ? replies.map((reply) => ({ ...reply, text: clip(reply.text, MESSAGE_CHARS) }))
      : undefined,
  });
}

/** What an answer must have of a reply's words, from 0 to 1, to count as one that uses the reply. */
const USED_SCORE = 0.6;
/** Words that a reply must have: an answer has those of "Thanks!" and "restart it" by chance. */
const LEAST_WORDS = 3;
const MAX_UNCITED = 2;

/**
 * Links to replies whose words an answer uses; empty if the answer has a link to a source itself. A
 * model may forget the link, and people could not check the answer then.
 */
export function uncitedLinks(answer: string, sources: readonly FoundSource[]): readonly string[] {
  const replies = sources.flatMap((source) => source.replies);
  if ([...sources, ...replies].some(({ link }) => answer.includes(link))) return [];
  const isUsed = (text: string) =>
    queryWords(text).length >= LEAST_WORDS && comparing(text)(answer) >= USED_SCORE;
  return replies.filter(({ text }) => isUsed(text)).map(({ link }) => link).slice(0, MAX_UNCITED);
}
