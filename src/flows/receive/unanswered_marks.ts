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
import type { UnansweredMessage, UnansweredReason } from "../../core/inbound/inbox.ts";
import type { Reactions } from "../../core/outbound/calls.ts";
import type { Refusal } from "../../core/outbound/outbound.ts";
import type { UnansweredMessages } from "../../core/store/inbox.ts";

/** Milliseconds between two requests. */
const EVERY_MS = 300;
/** Milliseconds until the store is asked again after a failure. */
const STORE_AGAIN_MS = 5_000;
/** Maximum number of marks in memory; the others wait in the store. */
const WAITING_MAX = 200;
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

/** A mark that waits. */
interface WaitingMark extends UnansweredMessage {
  readonly attempts: number;
}

/** The store of {@link createUnansweredMarks}. */
interface MarkStore {
  readonly inbox: Omit<UnansweredMessages, "linked">;
}

/** Creates the marks of one account. */
export function createUnansweredMarks(
  { accountId, store: { inbox }, reactions, refusalOf, emojiOf, tell, now, schedule, log }:
    & Pick<Account<unknown, unknown, MarkStore>, "accountId" | "store" | "now" | "schedule" | "log">
    & {
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
  const waiting: WaitingMark[] = [];
  /** Channels in which a mark failed; one stays for {@link AGAIN_MS} after its notice. */
  const linking = new Set<ChannelId>();
  let isBusy = false;
  /** Whether the store may have marks that are not in `waiting`. */
  let isDue = false;

  async function make(mark: WaitingMark): Promise<void> {
    const { id: messageId, channelId, why, attempts } = mark;
    if (linking.has(channelId)) return await inbox.refusedMark(accountId, messageId);
    try {
      await reactions.add(channelId, messageId, emojiOf(why));
    } catch (error) {
      const refusal = refusalOf(error);
      if (attempts + 1 < attemptsFor(refusal)) {
        waiting.push({ ...mark, attempts: attempts + 1 });
        return;
      }
      log.debug("A message without an answer is not marked", { channelId, messageId, error });
      if (refusal !== "not_found") {
        await inbox.refusedMark(accountId, messageId);
        return link(channelId);
      }
    }
    await inbox.marked(accountId, messageId);
  }

  function link(channelId: ChannelId): void {
    if (linking.has(channelId)) return;
    linking.add(channelId);
    schedule(() => void tellOf(channelId), GATHER_MS);
  }

  async function tellOf(channelId: ChannelId): Promise<void> {
    try {
      const messages = await inbox.unmarkable(accountId, channelId, LINKED_MAX);
      if (messages.length === 0) return void linking.delete(channelId);
      await tell(channelId, messages);
    } catch (error) {
      log.warn("People are not told yet that their messages get no answer", { channelId, error });
    }
    schedule(() => void tellOf(channelId), AGAIN_MS);
  }

  async function next(): Promise<void> {
    let pause = EVERY_MS;
    try {
      if (waiting.length === 0 && isDue) {
        isDue = false;
        const more = await inbox.unmarked(accountId, now(), WAITING_MAX);
        waiting.push(...more.map((message) => ({ ...message, attempts: 0 })));
        isDue ||= more.length === WAITING_MAX;
      }
      const mark = waiting.shift();
      if (!mark) {
        isBusy = isDue;
        if (!isBusy) return;
      } else await make(mark);
    } catch (error) {
      isDue = true;
      pause = STORE_AGAIN_MS;
      log.warn("Messages without an answer are not marked yet", { error });
    }
    schedule(() => void next(), pause);
  }

  function wake(): void {
    isDue = true;
    if (isBusy) return;
    isBusy = true;
    void next();
  }

  return {
    /** Goes on with those that the last process left. */
    start(): void {
      wake();
      inbox.unmarkableIn(accountId).then((channels) => channels.forEach(link), (error: unknown) => {
        log.warn("People are not told yet that their messages get no answer", { error });
      });
    },
    /** The store has more of them. */
    wake,
  };
}
