/**
 * Reads one channel back to where a gap begins.
 *
 * First what may be answered: the newest messages, handed over together and
 * oldest first, so that nobody is answered out of turn. Then, once no channel
 * waits for that any more, what was said before them, for the record only. That
 * is bounded, too: a busy channel says more in a day than is worth a request for
 * every hundred.
 *
 * What was read stays read when a request fails: the next try goes on from there.
 *
 * @module
 */

import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { PostedMessage } from "../../core/inbound/inbound.ts";
import type { Acceptor } from "../receive/accept.ts";
import { type CatchUpLimits, judgeMissed, type MissedChannel } from "./missed.ts";

/** Part of a channel's history. */
export interface Page {
  /** What could be read of it, newest first. */
  readonly events: readonly PostedMessage[];
  /** The oldest message of it, whether or not it could be read; absent of an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here. */
  readonly isLast: boolean;
}

export interface ReadMissedPorts {
  /** Reads the page before a message, or the newest one. */
  readonly readPage: (channel: MissedChannel, before?: MessageId) => Promise<Page>;
  readonly found: Acceptor["found"];
  readonly limits: CatchUpLimits;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Told of each lot of messages, for the metrics. */
  readonly onFound: (count: number) => void;
}

/** What was read, added up. */
export interface Tally {
  /** Messages of others, those that were known already among them. */
  read: number;
  /** Those of them that are new, and are answered. */
  answered: number;
  /** Those that would be left unanswered; what was known already keeps its own verdict. */
  tooOld: number;
  tooMany: number;
}

/** One channel on its way back. */
export interface MissedReading {
  /**
   * Hands over what may be answered.
   *
   * @returns `empty` where Discord gave nothing at all, `more` where {@link MissedReading.record}
   * has something to do.
   */
  answer(): Promise<"empty" | "done" | "more">;
  /**
   * Records what was said before.
   *
   * @returns Whether all of it was: `false` where that is more than {@link MAX_PAGES}.
   */
  record(): Promise<boolean>;
}

/** Pages of a channel that are read for the record: 1,000 messages. */
export const MAX_PAGES = 10;

/**
 * @param since Unix time in milliseconds: where the gap begins.
 * @param tally Is added to.
 */
export function readMissed(
  channel: MissedChannel,
  since: number,
  tally: Tally,
  { readPage, found, limits, now, onFound }: ReadMissedPorts,
): MissedReading {
  const { maxAgeMs, maxPerChannel } = limits;
  /** Newest first, not handed over yet. */
  let events: PostedMessage[] = [];
  /** Where to go on; `undefined` at the newest message. */
  let before: MessageId | undefined;
  let isThrough = false;
  let pagesRecorded = 0;

  async function readOn(): Promise<void> {
    const page = await readPage(channel, before);
    events.push(...page.events.filter(({ id }) => createdAtMs(id) > since));
    const { oldest = before } = page;
    before = oldest;
    isThrough = page.isLast || oldest === undefined || createdAtMs(oldest) <= since;
  }

  /** Whether nothing before can be answered any more. */
  function isEnough(): boolean {
    if (isThrough || countMessages(events) >= maxPerChannel) return true;
    return before !== undefined && now() - createdAtMs(before) > maxAgeMs;
  }

  async function handOver(newest: number): Promise<void> {
    const batch = events.toReversed();
    const messages = batch.filter(({ kind }) => kind === "message");
    const answerable = new Set(messages.slice(Math.max(0, messages.length - newest)));
    const at = { now: now(), maxAgeMs };
    const left = { "too-old": 0, "too-many": 0 };
    const { accepted } = await found(batch, (message, verdict) => {
      const judged = judgeMissed(verdict, message, answerable.has(message), at);
      if (judged.why === "too-old" || judged.why === "too-many") left[judged.why]++;
      return judged;
    });
    events = [];
    onFound(messages.length);
    tally.read += messages.length;
    tally.answered += accepted.length;
    tally.tooOld += left["too-old"];
    tally.tooMany += left["too-many"];
  }

  return {
    async answer() {
      while (!isEnough()) await readOn();
      if (before === undefined) return "empty";
      await handOver(maxPerChannel);
      return isThrough ? "done" : "more";
    },
    async record() {
      while (!isThrough && pagesRecorded < MAX_PAGES) {
        await readOn();
        await handOver(0);
        pagesRecorded++;
      }
      return isThrough;
    },
  };
}

function countMessages(events: readonly PostedMessage[]): number {
  return events.reduce((count, { kind }) => kind === "message" ? count + 1 : count, 0);
}
