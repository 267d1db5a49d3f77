/**
 * Marks messages that get no answer with a reaction (X4), for people whose place has a notice already.
 *
 * The requests use only spare capacity, one at a time, and nothing waits for them. The store has each
 * message until it is marked: after a crash, a second mark changes nothing. If a mark fails, for
 * example without the permission to add reactions, a notice in the channel links the messages, once a
 * minute. A deleted message needs none.
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { UnansweredMessage } from "../../core/inbound/inbox.ts";
import type { UnansweredReason } from "../../core/inbound/waiting_limits.ts";
import type { Reactions } from "../../core/outbound/requests.ts";
import type { Refusal } from "../../core/outbound/outbound.ts";
import type { createUnanswered } from "../../store/inbox/unanswered.ts";

/** Milliseconds between two requests. */
const EVERY_MS = 300;
/** Milliseconds until the store is asked again after a failure. */
const STORE_AGAIN_MS = 5_000;
/** Maximum number of marks in memory; the others wait in the store. */
const WAITING_MAX = 200;
/** Number of attempts after which the store is asked for more, which takes some milliseconds. */
const READ_AFTER = 10;
/** Maximum number of attempts for a mark while requests have no spare capacity. */
const UNSENT_MAX = 100;
/** Maximum number of attempts that a rate limit ends; a firewall's answer looks like one. */
const LIMITED_MAX = 3;
/** Milliseconds from the first failed mark of a channel to the notice, which further ones share. */
const GATHER_MS = 2_000;
/** Milliseconds between two notices in a channel. Meanwhile no mark is tried there. */
const AGAIN_MS = 60_000;
/** Maximum number of messages in a notice: with the default text, one message holds their links. */
const LINKED_MAX = 20;

function attemptsFor(refusal: Refusal | undefined): number {
  if (refusal === undefined) return UNSENT_MAX;
  return refusal === "rate_limited" ? LIMITED_MAX : 1;
}

interface WaitingMark extends UnansweredMessage {
  readonly attempts: number;
}

export function createUnansweredMarks(
  { accountId, store: { inbox }, reactions, refusalOf, emojiOf, tell, stopping, ...account }:
    & Pick<
      Account<{ readonly inbox: Omit<ReturnType<typeof createUnanswered>, "linked"> }>,
      "accountId" | "store" | "now" | "schedule" | "log"
    >
    & {
      readonly stopping: AbortSignal;
      readonly reactions: Pick<Reactions, "add">;
      /** Why Discord refused the request; `undefined` if the request never left, or got no answer. */
      readonly refusalOf: (error: unknown) => Refusal | undefined;
      readonly emojiOf: (why: UnansweredReason) => string;
      /** Stores a notice about messages of a channel, in place of marks. Rejects if the store fails. */
      readonly tell: (
        channelId: ChannelId,
        messages: readonly UnansweredMessage[],
      ) => Promise<void>;
    },
) {
  const { now, schedule, log } = account;
  const waiting: WaitingMark[] = [];
  /** Channels in which a mark failed; one stays for {@link AGAIN_MS} after its notice. */
  const linking = new Set<ChannelId>();
  let isBusy = false;
  /** Whether the store may have marks that are not in `waiting`. */
  let hasMore = false;
  /** Number of marks that were tried since the store was asked for more. */
  let steps = 0;

  const later = (run: () => Promise<void>, ms: number): void =>
    void schedule(() => stopping.aborted ? undefined : void run(), ms);

  /** Marks a message. `later`: another attempt may succeed. */
  async function tryMark({ id, channelId, why, attempts }: WaitingMark) {
    if (linking.has(channelId)) return "refused";
    try {
      await reactions.add(channelId, id, emojiOf(why));
    } catch (error) {
      const refusal = refusalOf(error);
      const mayPass = stopping.aborted || attempts + 1 < attemptsFor(refusal);
      log.debug("A message without an answer is not marked", { channelId, messageId: id, error });
      if (refusal !== "not_found") return mayPass ? "later" : "refused";
    }
    return "done";
  }

  async function make(mark: WaitingMark): Promise<void> {
    const end = await tryMark(mark);
    if (end === "later") {
      waiting.push({ ...mark, attempts: mark.attempts + 1 });
      return;
    }
    if (end === "done") return await inbox.marked(accountId, mark.id);
    await inbox.refusedMark(accountId, mark.id);
    link(mark.channelId);
  }

  function link(channelId: ChannelId): void {
    if (linking.has(channelId)) return;
    linking.add(channelId);
    later(() => tellOf(channelId), GATHER_MS);
  }

  async function tellOf(channelId: ChannelId): Promise<void> {
    try {
      const messages = await inbox.unmarkable(accountId, channelId, now(), LINKED_MAX);
      if (messages.length === 0) return void linking.delete(channelId);
      await tell(channelId, messages);
    } catch (error) {
      log.warn("People do not know yet that their messages get no answer", { channelId, error });
    }
    later(() => tellOf(channelId), AGAIN_MS);
  }

  async function next(): Promise<void> {
    let pause = EVERY_MS;
    try {
      if (hasMore && (waiting.length === 0 || ++steps >= READ_AFTER)) await readMore();
      const mark = waiting.shift();
      if (mark) await make(mark);
      isBusy = hasMore || waiting.length > 0;
    } catch (error) {
      hasMore = true;
      pause = STORE_AGAIN_MS;
      log.warn("Messages without an answer are not marked yet", { error });
    }
    if (isBusy) later(next, pause);
  }

  async function readMore(): Promise<void> {
    steps = 0;
    const room = WAITING_MAX - waiting.length;
    if (room === 0) return;
    hasMore = false; // unless it gets more meanwhile
    const except = waiting.map(({ id }) => id);
    const more = await inbox.unmarked(accountId, now(), except, room);
    waiting.push(...more.map((message) => ({ ...message, attempts: 0 })));
    hasMore ||= waiting.length > 0;
  }

  function wake(): void {
    hasMore = true;
    if (isBusy || stopping.aborted) return;
    isBusy = true;
    void next();
  }

  /** Goes on with the links that the last process left. */
  async function linkAll(): Promise<void> {
    try {
      (await inbox.unmarkableIn(accountId, now())).forEach(link);
    } catch (error) {
      log.warn("People do not know yet that their messages get no answer", { error });
      later(linkAll, STORE_AGAIN_MS);
    }
  }

  return {
    /** Goes on with everything that the last process left. */
    start(): void {
      wake();
      void linkAll();
    },
    wake,
  };
}
