/**
 * Marks messages that get no answer with a reaction (X4), for people whose place has a notice already.
 *
 * The requests use only spare capacity, one at a time. Nothing waits for them, and a crash loses those
 * that wait. If Discord refuses a mark, for example without the permission to add reactions, the
 * person gets a notice.
 */

import type { Account } from "../../core/account/account.ts";
import type { UnansweredMessage, UnansweredReason } from "../../core/inbound/inbox.ts";
import type { Reactions } from "../../core/outbound/calls.ts";
import type { Refusal } from "../../core/outbound/outbound.ts";

/** Milliseconds between two requests. */
const EVERY_MS = 300;
/** Maximum number of marks that wait; later ones are not made. */
const WAITING_MAX = 200;
/** Maximum number of attempts for a mark while requests have no spare capacity. */
const ATTEMPTS_MAX = 100;

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
    /** Sends a notice in place of a mark. Rejects if the store fails. */
    readonly tell: (unanswered: UnansweredMessage) => Promise<void>;
  },
): (unanswered: readonly UnansweredMessage[]) => void {
  const waiting: WaitingMark[] = [];
  let isBusy = false;

  async function make(mark: WaitingMark): Promise<void> {
    const { message: { id: messageId, channelId }, why, attempts } = mark;
    try {
      await reactions.add(channelId, messageId, emojiOf(why));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined && attempts < ATTEMPTS_MAX) {
        waiting.push({ ...mark, attempts: attempts + 1 });
        return;
      }
      log.debug("A message without an answer is not marked", { channelId, messageId, error });
      if (refusal === "forbidden" || refusal === "rejected") await sendNotice(mark);
    }
  }

  async function sendNotice({ message, why }: UnansweredMessage): Promise<void> {
    try {
      await tell({ message, why });
    } catch (error) {
      const { id: messageId, channelId } = message;
      log.warn("A person does not learn that a message gets no answer", {
        channelId,
        messageId,
        error,
      });
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
