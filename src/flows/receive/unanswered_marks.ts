/**
 * Marks messages that get no answer with a reaction (X4), for people whose place has a notice already.
 *
 * The requests use only spare capacity, one at a time. Nothing waits for them, and a crash loses those
 * that wait. If a mark fails, for example without the permission to add reactions, a notice in the
 * channel links the messages, once a minute. A deleted message needs none.
 */

import type { Account } from "../../core/account/account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { UnansweredMessage, UnansweredReason } from "../../core/inbound/inbox.ts";
import type { Reactions } from "../../core/outbound/calls.ts";
import type { Refusal } from "../../core/outbound/outbound.ts";

/** Milliseconds between two requests. */
const EVERY_MS = 300;
/** Maximum number of marks that wait; later ones are not made. */
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
/** Maximum number of messages of a channel that wait for a notice; later ones are not told. */
const GATHERED_MAX = 100;

function attemptsFor(refusal: Refusal | undefined): number {
  if (refusal === undefined) return UNSENT_MAX;
  return refusal === "rate_limited" ? LIMITED_MAX : 1;
}

/** A mark that waits. */
interface WaitingMark extends UnansweredMessage {
  readonly attempts: number;
}

/** Creates the marks of one account. */
export function createUnansweredMarks(
  { reactions, refusalOf, emojiOf, tell, schedule, log }: Pick<Account, "schedule" | "log"> & {
    readonly reactions: Pick<Reactions, "add">;
    /** Why Discord refused the request; `undefined` if the request never left, or got no answer. */
    readonly refusalOf: (error: unknown) => Refusal | undefined;
    readonly emojiOf: (why: UnansweredReason) => string;
    /** Sends a notice about messages of a channel, in place of marks. Rejects if the store fails. */
    readonly tell: (channelId: ChannelId, messages: readonly InboundMessage[]) => Promise<void>;
  },
): (unanswered: readonly UnansweredMessage[]) => void {
  const waiting: WaitingMark[] = [];
  /** Messages whose marks failed; a channel stays for {@link AGAIN_MS} after its notice. */
  const failed = new Map<ChannelId, InboundMessage[]>();
  let isBusy = false;

  async function make(mark: WaitingMark): Promise<void> {
    const { message, why, attempts } = mark;
    const { id: messageId, channelId } = message;
    if (failed.has(channelId)) return gather(message);
    try {
      await reactions.add(channelId, messageId, emojiOf(why));
    } catch (error) {
      const refusal = refusalOf(error);
      if (attempts + 1 < attemptsFor(refusal)) {
        waiting.push({ ...mark, attempts: attempts + 1 });
        return;
      }
      if (refusal !== "not_found") gather(message);
      log.debug("A message without an answer is not marked", { channelId, messageId, error });
    }
  }

  function gather(message: InboundMessage): void {
    const { channelId } = message;
    const gathered = failed.get(channelId);
    if (!gathered) {
      failed.set(channelId, [message]);
      schedule(() => void tellGathered(channelId), GATHER_MS);
    } else if (gathered.length < GATHERED_MAX) gathered.push(message);
    else log.warn("Too many messages without an answer: a person is not told", { channelId });
  }

  async function tellGathered(channelId: ChannelId): Promise<void> {
    const messages = failed.get(channelId)?.splice(0, LINKED_MAX) ?? [];
    if (messages.length === 0) {
      failed.delete(channelId);
      return;
    }
    schedule(() => void tellGathered(channelId), AGAIN_MS);
    try {
      await tell(channelId, messages);
    } catch (error) {
      const messageIds = messages.map(({ id }) => id);
      log.warn("People are not told that their messages get no answer", { messageIds, error });
    }
  }

  function next(): void {
    const mark = waiting.shift();
    isBusy = mark !== undefined;
    if (mark) void make(mark).finally(() => schedule(next, EVERY_MS));
  }

  return (unanswered) => {
    const room = Math.max(0, WAITING_MAX - waiting.length);
    for (const one of unanswered.slice(0, room)) waiting.push({ ...one, attempts: 0 });
    const left = unanswered.length - Math.min(room, unanswered.length);
    if (left > 0) log.warn("Too many messages without an answer: some have no mark", { left });
    if (!isBusy) next();
  };
}
