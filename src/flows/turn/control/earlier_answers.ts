/**
 * Looks a question up in the server's own messages before a request to the model (`knowledge: "auto"`,
 * T17).
 *
 * If someone asked the same before and got an answer, the bot posts a link to it at once. The model
 * reads the found messages with their replies, and cites them. Later turns do not see it, because
 * people may have lost the right to read it by then. A failure costs the turn nothing: it goes on
 * without.
 */

import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { FoundSource, SearchServers } from "../../../core/turn/ports/search.ts";
import { createdAtMs } from "../../../core/discord/ids.ts";
import { waitFor } from "../../../lib/clock.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { queryWords } from "../../../lib/text/search_words.ts";

/** Words that a question must have: fewer match anything. */
const MIN_WORDS = 2;
/** Mentions and emojis, which are no words of the question. */
const MARKS = /<[@#:a][^>\s]*>/g;
const MAX_CHARS = 400;
/** Sources that the model reads, and what they must match of the best one's score. */
const MAX_SOURCES = 4;
const OF_BEST = 0.5;
/** What the same question must match, from 0 to 1. */
const SAME_SCORE = 0.72;
/** Milliseconds after which a message is no part of the conversation any more. */
const EARLIER_MS = 10 * 60_000;
/** Links that people get. */
const MAX_LINKS = 2;
/** Milliseconds that a turn waits at most. */
const PATIENCE_MS = 4_000;

export type LookUp = (message: InboundMessage) => Promise<readonly FoundSource[]> | undefined;

export function createEarlierAnswers({ isAuto, search, tell, schedule, stopping, log }: {
  /** Whether the place looks questions up by itself. */
  readonly isAuto: (message: InboundMessage) => boolean;
  readonly search: SearchServers;
  /** Posts links to earlier answers, once for each message. */
  readonly tell: (message: InboundMessage, links: readonly string[]) => Promise<void>;
  readonly schedule: StartTimer;
  readonly stopping: AbortSignal;
  readonly log: Pick<Log, "debug" | "warn">;
}): LookUp {
  async function lookUp(message: InboundMessage, words: string): Promise<readonly FoundSource[]> {
    const ended = new AbortController();
    const signal = AbortSignal.any([stopping, ended.signal]);
    const searching = search(
      { messages: [message], reach: "readers", waitMs: 0, signal },
      { words, limit: MAX_SOURCES },
    );
    const late = waitFor(PATIENCE_MS, schedule, signal).then(() => undefined);
    try {
      const found = await Promise.race([searching, late]);
      if (!found) {
        searching.catch(() => {}); // its end interests no one any more
        log.debug("A look-up takes too long; the turn goes on without", { messageId: message.id });
        return [];
      }
      const best = found.sources[0]?.score ?? 0;
      const sources = found.sources.filter(({ score }) => score >= best * OF_BEST);
      const links = linksOf(sources, message.sentAt);
      if (links.length > 0) await tell(message, links);
      return sources;
    } catch (error) {
      log.warn("Cannot look a question up in the server", { messageId: message.id, error });
      return [];
    } finally {
      ended.abort();
    }
  }

  return (message) => {
    if (!isAuto(message)) return undefined;
    const words = message.text.replace(MARKS, " ").slice(0, MAX_CHARS).toWellFormed();
    return queryWords(words).length < MIN_WORDS ? undefined : lookUp(message, words);
  };
}

/** Links to answers of the same question; empty if the question is new. */
function linksOf(sources: readonly FoundSource[], sentAt: number): readonly string[] {
  return sources.flatMap(({ kind, score, message, replies, link }) => {
    const isSame = score >= SAME_SCORE && message !== undefined && message.from !== "you" &&
      createdAtMs(message.id) < sentAt - EARLIER_MS;
    if (!isSame) return [];
    if (kind === "post") return [link]; // its answers follow it
    return replies.slice(0, 1).map((reply) => reply.link);
  }).slice(0, MAX_LINKS);
}
