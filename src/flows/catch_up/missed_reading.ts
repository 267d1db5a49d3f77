/**
 * Reads one channel back to the beginning of a gap.
 *
 * First come the messages that may get an answer: the newest ones, stored together and oldest
 * first, so that answers keep their order. Once no channel waits for that, the messages before them
 * follow, only for the record. Their number is bounded, too, because each hundred costs a request.
 *
 * If a request fails, the next attempt continues from there.
 *
 * @module
 */

import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { PostedMessage } from "../../core/inbound/inbound.ts";
import type { Acceptor } from "../receive/accept.ts";
import { type CatchUpLimits, judgeMissed, type MissedChannel } from "./missed.ts";

/** A page of a channel's history. */
export interface Page {
  /** Readable messages of the page, newest first. */
  readonly events: readonly PostedMessage[];
  /** Oldest message of the page, readable or not; absent for an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here. */
  readonly isLast: boolean;
}

/** Everything that reading needs from outside. */
export interface MissedReadingPorts {
  /** Reads the page before a message, or the newest one, over REST. */
  readonly readPage: (channel: MissedChannel, before?: MessageId) => Promise<Page>;
  /** Stores messages from the history, as live ones. */
  readonly acceptHistory: Acceptor["acceptHistory"];
  /** Which messages may get an answer. */
  readonly limits: CatchUpLimits;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets the number of messages of each batch, for the metrics. */
  readonly onFound: (count: number) => void;
}

/** Figures of all messages read for a gap. */
export interface Tally {
  /** Messages of other authors, including known ones. */
  read: number;
  /** New ones among them that get an answer. */
  answered: number;
  /** Messages left without an answer because of their age; a known one keeps its stored verdict. */
  tooOld: number;
  /** Messages left without an answer because newer ones fill `maxPerChannel`. */
  tooMany: number;
}

/** The reading of one channel. */
export interface MissedReading {
  /**
   * Reads and stores the messages that may get an answer.
   *
   * @returns `empty` if Discord returned no message; `more` if {@link MissedReading.record} has
   * something to read.
   */
  answer(): Promise<"empty" | "done" | "more">;
  /**
   * Stores the messages before them.
   *
   * @returns `false` if there are more than {@link MAX_PAGES} pages of them.
   */
  record(): Promise<boolean>;
}

/** Maximum number of pages to read per channel for the record: 1,000 messages. */
export const MAX_PAGES = 10;

/**
 * Prepares the reading of a channel.
 *
 * @param since Unix time in milliseconds of the gap's beginning.
 * @param tally Figures to add to.
 */
export function createMissedReading(
  channel: MissedChannel,
  since: number,
  tally: Tally,
  { readPage, acceptHistory, limits, now, onFound }: MissedReadingPorts,
): MissedReading {
  const { maxAgeMs, maxPerChannel } = limits;
  /** Messages that are not stored yet, newest first. */
  let events: PostedMessage[] = [];
  /** Message before which to continue; `undefined` at the newest message. */
  let before: MessageId | undefined;
  let isComplete = false;
  let pagesRecorded = 0;

  async function readNextPage(): Promise<void> {
    const page = await readPage(channel, before);
    events.push(...page.events.filter(({ id }) => createdAtMs(id) > since));
    const { oldest = before } = page;
    before = oldest;
    isComplete = page.isLast || oldest === undefined || createdAtMs(oldest) <= since;
  }

  /** Whether no earlier message may get an answer. */
  function isEnough(): boolean {
    if (isComplete || countMessages(events) >= maxPerChannel) return true;
    return before !== undefined && now() - createdAtMs(before) > maxAgeMs;
  }

  async function storeEvents(newest: number): Promise<void> {
    const batch = events.toReversed();
    const messages = batch.filter(({ kind }) => kind === "message");
    const answerable = new Set(messages.slice(Math.max(0, messages.length - newest)));
    const at = { now: now(), maxAgeMs };
    const unanswered = { "too-old": 0, "too-many": 0 };
    const { accepted } = await acceptHistory(batch, (message, verdict) => {
      const judged = judgeMissed(verdict, message, answerable.has(message), at);
      if (judged.why === "too-old" || judged.why === "too-many") unanswered[judged.why]++;
      return judged;
    });
    events = [];
    onFound(messages.length);
    tally.read += messages.length;
    tally.answered += accepted.length;
    tally.tooOld += unanswered["too-old"];
    tally.tooMany += unanswered["too-many"];
  }

  return {
    async answer() {
      while (!isEnough()) await readNextPage();
      if (before === undefined) return "empty";
      await storeEvents(maxPerChannel);
      return isComplete ? "done" : "more";
    },
    async record() {
      while (!isComplete && pagesRecorded < MAX_PAGES) {
        await readNextPage();
        await storeEvents(0);
        pagesRecorded++;
      }
      return isComplete;
    },
  };
}

function countMessages(events: readonly PostedMessage[]): number {
  return events.reduce((count, { kind }) => kind === "message" ? count + 1 : count, 0);
}
