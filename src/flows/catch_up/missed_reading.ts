/**
 * Reads one channel back to the beginning of a gap.
 *
 * First come the messages that may get an answer: the newest ones, stored together and oldest
 * first, so that answers keep their order. Once no channel waits for that, the messages before them
 * follow, only for the record. Their number is bounded, too, because each hundred costs a request.
 *
 * If a request fails, the next attempt continues from there.
 */

import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
} from "../../core/discord/ids.ts";
import type { Accepted } from "../../core/inbound/inbox.ts";
import type { GuildPlace, InboundMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import {
  CATCH_UP_RULES,
  type IgnoreReason,
  TOLD_WITHIN_MS,
  type Verdict,
} from "../../core/inbound/inbox.ts";

export interface Page {
  /** Readable messages of the page, newest first. */
  readonly events: readonly PostedMessage[];
  /** Oldest message of the page, readable or not; absent for an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here. */
  readonly isLast: boolean;
}

/** Messages of a channel that are not read. */
interface UnreadPart {
  /** The oldest message that is read. */
  readonly before: MessageId;
  /** Whether the policy accepts a message that is read: people there expect answers. */
  readonly isExpected: boolean;
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

/** Maximum number of pages to read per channel for the record: 1,000 messages. */
export const MAX_PAGES = 10;

/**
 * Prepares the reading of a channel.
 *
 * @param since Unix time in milliseconds of the gap's beginning.
 * @param tally Figures to add to.
 */
export function createMissedReading(
  since: number,
  tally: Tally,
  { readPage, isRecorded, acceptHistory, limits, now }: {
    /** Reads the page before a message, or the newest one, over REST. */
    readonly readPage: (before?: MessageId) => Promise<Page>;
    readonly isRecorded: (id: MessageId) => Promise<boolean>;
    /** Stores messages from the history, as live ones. */
    readonly acceptHistory: (
      events: readonly PostedMessage[],
      judgeAs?: (message: InboundMessage, verdict: Verdict) => Verdict,
    ) => Promise<Accepted>;
    /** Which messages may get an answer: their age, and how many newest ones of a channel. */
    readonly limits: { readonly maxAgeMs: number; readonly maxPerChannel: number };
    readonly now: () => number;
  },
) {
  const { maxAgeMs, maxPerChannel } = limits;
  /** Messages that are not stored yet, newest first. */
  let events: PostedMessage[] = [];
  /** Message before which to continue; `undefined` at the newest message. */
  let before: MessageId | undefined;
  /** The oldest readable message so far. */
  let oldestRead: MessageId | undefined;
  let isComplete = false;
  let pagesRecorded = 0;
  let isExpected = false;

  async function readNextPage(): Promise<void> {
    const page = await readPage(before);
    events.push(...page.events.filter(({ id }) => createdAtMs(id) > since));
    oldestRead = events.at(-1)?.id ?? oldestRead;
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
    const answerable = new Set(
      messages.slice(Math.max(0, messages.length - newest)).map(({ id }) => id),
    );
    const at = { now: now(), maxAgeMs };
    const unanswered = { "too-old": 0, "too-many": 0 };
    const { accepted } = await acceptHistory(batch, (message, verdict) => {
      isExpected ||= verdict.kind === "accept" && !message.sender.automaton;
      const judged = judgeMissed(verdict, message, answerable.has(message.id), at);
      if (judged.why === "too-old" || judged.why === "too-many") unanswered[judged.why]++;
      return judged;
    });
    events = [];
    tally.read += messages.length;
    tally.answered += accepted.length;
    tally.tooOld += unanswered["too-old"];
    tally.tooMany += unanswered["too-many"];
  }

  /**
   * Finds the end of what an earlier reading of the gap has recorded, for example before a restart.
   * Otherwise each new message would move the end, and the channel would get a notice again.
   *
   * @param cursor Message before which to continue.
   * @returns The oldest readable message that is read; `undefined` if none before it is missing.
   */
  async function endOfRecords(cursor: MessageId): Promise<MessageId | undefined> {
    let end = oldestRead ?? cursor;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { events, oldest, isLast } = await readPage(cursor);
      for (const { kind, id } of events) {
        if (createdAtMs(id) <= since) return undefined;
        if (kind === "message" && !await isRecorded(id)) return end;
        end = id;
      }
      if (isLast || oldest === undefined || createdAtMs(oldest) <= since) return undefined;
      cursor = oldest;
    }
    return undefined;
  }

  return {
    /**
     * Reads and stores the messages that may get an answer.
     *
     * @returns `empty` if Discord returned no message; `more` if `record` has something to read.
     */
    async answer(): Promise<"empty" | "done" | "more"> {
      while (!isEnough()) await readNextPage();
      if (before === undefined) return "empty";
      await storeEvents(maxPerChannel);
      return isComplete ? "done" : "more";
    },
    /**
     * Stores the messages before them.
     *
     * @returns What is not read, if there are more than {@link MAX_PAGES} pages of them.
     */
    async record(): Promise<UnreadPart | undefined> {
      while (events.length > 0 || !isComplete && pagesRecorded < MAX_PAGES) {
        if (events.length === 0) await readNextPage(); // else the store has refused the last page
        await storeEvents(0);
        pagesRecorded++;
      }
      const end = isComplete || !before ? undefined : await endOfRecords(before);
      return end && { before: end, isExpected };
    },
  };
}

function countMessages(events: readonly PostedMessage[]): number {
  return events.reduce((count, { kind }) => kind === "message" ? count + 1 : count, 0);
}

/** A channel that may contain missed messages. */
export interface MissedChannel {
  /** Id of the channel, thread or direct message channel. */
  readonly id: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** The channel with its names; absent for a direct message channel. */
  readonly place?: GuildPlace;
  /** Newest message, as far as Discord has reported; absent if unknown. */
  readonly lastMessageId?: MessageId | "none";
}

/** Milliseconds by which reading goes back before the gap. */
const MARGIN_MS = 10_000;

/**
 * How far to read back.
 *
 * @param from Unix time in milliseconds of the newest message stored before the gap.
 * @returns Unix time in milliseconds.
 */
export function endOfReading(from: number): number {
  return from - MARGIN_MS;
}

/** Whether the senders learn of it: only where people expect answers, and within a day. */
export function mayTellUnread({ before, isExpected }: UnreadPart, now: number): boolean {
  return isExpected && now - createdAtMs(before) <= TOLD_WITHIN_MS;
}

/** Whether a channel may have messages since then; true if unknown. */
export function mayHaveMissed({ lastMessageId }: MissedChannel, since: number): boolean {
  if (lastMessageId === "none") return false;
  return lastMessageId === undefined || createdAtMs(lastMessageId) > since;
}

/** A channel's name for the log. */
export function nameOf({ id, place }: MissedChannel): string {
  return place ? `#${(place.thread ?? place.channel).name}` : `the direct messages ${id}`;
}

/**
 * Changes the verdict on a missed message that must not be answered.
 *
 * It changes only verdicts that accept, or may accept later. A later turn may see an accepted
 * message all the same. An undecided one stays out of it.
 *
 * @param isAmongNewest Whether it is one of the newest `maxPerChannel` messages of its channel.
 * @param limits `now` is Unix time in milliseconds.
 */
export function judgeMissed(
  verdict: Verdict,
  { sentAt }: { readonly sentAt: number },
  isAmongNewest: boolean,
  { now, maxAgeMs }: { readonly now: number; readonly maxAgeMs: number },
): Verdict {
  if (verdict.kind === "ignore") return verdict;
  const leave = (why: IgnoreReason, key: string): Verdict => ({
    kind: "ignore",
    why,
    rule: `${CATCH_UP_RULES}.${key}`,
    keepAsContext: verdict.kind === "accept",
  });
  if (now - sentAt > maxAgeMs) return leave("too-old", "maxAgeMin");
  return isAmongNewest ? verdict : leave("too-many", "maxPerChannel");
}
