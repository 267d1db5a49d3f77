/**
 * Makes one attempt to deliver a row, and settles its result.
 *
 * It keeps the facts that decide the next step: failures in a row and recent refusals by channel,
 * and by how much the clock was set.
 */

import type { BotAccount } from "../../account/account.ts";
import { tellExtras } from "../../account/extra_parts.ts";
import {
  afterDelivery,
  type AttemptFacts,
  CLOSED_DIRECT,
  type Delivery,
  isOverdue,
  mayBeOfPlace,
  namesMessage,
  type Next,
  retryWaitMs,
  subjectOf,
  takesOthers,
} from "../../core/outbound/delivery.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { Log } from "../../lib/log.ts";
import {
  createClockChanges,
  createFailingRows,
  createRecentRefusals,
  createRefusedMessages,
} from "./failing_rows.ts";
import { progressDelivered } from "../turn/progress/progress.ts";
import { intentOf } from "../judging/intent.ts";
import { ownerReached, ownerRefused } from "../owners/tell_owners.ts";
import { isAwaited, toldSent } from "./tool_messages.ts";
import { filesRefused } from "../owners/delivery_notices.ts";
import { updateCards } from "../questions/cards.ts";
import { doorOf } from "./owed.ts";
import { deliver, nonceWindowMs, removeFiles } from "./deliver.ts";
import type { createParking } from "./park.ts";

export interface Attempted {
  /** Milliseconds until the channel's next attempt; 0: none is needed, or it may begin at once. */
  readonly waitMs: number;
  /** Whether it failed because Barnacle could not reach Discord. */
  readonly isNetworkFailure: boolean;
}

/** Rate limits at least this long, in milliseconds, are worth a warning. */
const LONG_WAIT_MS = 60_000;

/**
 * Creates the attempts of one account.
 *
 * @param parking Parks channels that refuse.
 */
export function createDeliveryAttempts(
  account: BotAccount,
  parking: ReturnType<typeof createParking>,
) {
  const { store: { outbox }, log, now, steadyNow } = account;
  const failing = createFailingRows(account);
  /** Recent refusals, by which equally old messages behind the refused one are given up. */
  const refusals = createRecentRefusals(steadyNow);
  const refusedMessages = createRefusedMessages();
  const clock = createClockChanges(account);

  async function attempt(stored: OutboxRow, setMs: number): Promise<Attempted> {
    await clock.check();
    const row = clock.shifted(stored, setMs);
    const { channelId } = row.message;
    const askedAt = now();
    const refusal = refusals.reasonOf(channelId);
    const isUntried = row.firstAttemptAt === undefined; // otherwise Discord may have it
    if (refusal !== undefined && isUntried && isOverdue(row, askedAt)) {
      await giveUp(row, refusal, false);
      attempted(account, row);
      return { waitMs: 0, isNetworkFailure: false };
    }
    const delivery = await deliver(account, row);
    delivered(account, row, delivery);
    await clock.check();
    const waitMs = await settle(clock.shifted(stored, setMs), delivery, askedAt, {
      now: now(),
      ...failing.next(channelId),
      random: account.random(),
      retry: account.config().discord.retry,
      nonceWindowMs: nonceWindowMs(account),
    });
    attempted(account, row);
    return { waitMs, isNetworkFailure: failedByNetwork(delivery) };
  }

  async function settle(
    row: OutboxRow,
    delivery: Delivery,
    askedAt: number,
    facts: AttemptFacts,
  ): Promise<number> {
    const { channelId } = row.message;
    const next = afterDelivery(row, delivery, facts);
    switch (next.kind) {
      case "on":
        if (delivery.kind === "absent") failing.served(channelId); // the next attempt sends it
        else failing.end(channelId);
        if (delivery.kind === "created" || delivery.kind === "found") {
          refusals.delete(channelId);
          refusedMessages.delivered(channelId);
          parking.delivered(channelId);
        }
        return 0;
      case "again":
        if (!next.isAttempt && next.waitMs >= LONG_WAIT_MS) {
          const waitSec = Math.ceil(next.waitMs / 1_000);
          log.warn("Discord accepts no messages in a channel for a while", { channelId, waitSec });
        }
        await failing.wait(row, next, next.isAttempt ? facts : undefined);
        return next.waitMs;
      case "park":
        return await refused(row, next, askedAt, facts);
      case "without_files":
        return await sendWithoutFiles(row, next.reason, askedAt, facts);
      case "dead":
        if (delivery.kind === "refused" && mayBeOfPlace(delivery)) { // refused for a day, or it would be parked
          refusals.add(channelId, next.reason);
        }
        return await end(row, next, delivery.kind === "refused" ? delivery.code : undefined);
      case "uncertain":
        return await end(row, next);
    }
  }

  async function refused(
    row: OutboxRow,
    next: Extract<Next, { readonly kind: "park" }>,
    askedAt: number,
    facts: AttemptFacts,
  ): Promise<number> {
    const { message: { channelId, guildId }, fileCount } = row;
    const { missing, reason = next.reason } = await parking.explain(row, next);
    // A look into the history is not about files, which it does not send.
    const sentFiles = next.end === "dead" ? fileCount : 0;
    const subject = subjectOf({ code: next.code, fileCount: sentFiles }, missing);
    if (subject === "files") {
      if (missing === "files") filesRefused(account, { channelId, guildId, reason });
      return await sendWithoutFiles(row, reason, askedAt, facts);
    }
    const isItself = namesMessage(next.code); // the same words would not pass
    const judged = () => isItself ? "end" : refusedMessages.judge(row);
    switch (subject === "place" ? "park" : judged()) {
      case "park":
        failing.end(channelId);
        await parking.close(row, { missing, reason }, askedAt);
        return 0;
      case "end":
        return await end(row, {
          kind: next.end,
          reason: missing === "none" && !isItself
            ? `${reason}; the bot lacks no permission there`
            : reason,
        }, next.code);
      case "again": {
        const waitMs = retryWaitMs(facts);
        await failing.wait(row, { reason, waitMs }, facts);
        return waitMs;
      }
    }
  }

  async function sendWithoutFiles(
    row: OutboxRow,
    reason: string,
    askedAt: number,
    facts: AttemptFacts,
  ): Promise<number> {
    const { id, message: { channelId, of } } = row;
    // The operator sent this file, and gets an error in place of a text without it.
    if (!of) return await end(row, { kind: "dead", reason });
    const seen = await removeFiles(account, row);
    if (seen) return await settle(row, seen, askedAt, facts);
    failing.end(channelId);
    log.warn("Discord refuses the files of a message; Barnacle sends its text", {
      channelId,
      row: id,
      reason,
    });
    return 0;
  }

  async function end(
    row: OutboxRow,
    { kind, reason }: Extract<Next, { readonly kind: "dead" | "uncertain" }>,
    code?: number,
  ): Promise<0> {
    const { channelId } = row.message;
    failing.end(channelId);
    if (kind === "dead") {
      await giveUp(row, reason, takesOthers(code));
      if (code === CLOSED_DIRECT) ownerRefused(account, { channelId, reason }); // it may be an owner's
    } else {
      reportHeld(row, reason, log);
      await outbox.markUncertain(row, reason, doorOf(row, true));
    }
    return 0;
  }

  /** @param isOpen Whether the place may take other words. */
  async function giveUp(row: OutboxRow, reason: string, isOpen: boolean): Promise<void> {
    const { channelId, of } = row.message;
    log.error("A message is given up", { channelId, row: row.id, reason });
    await outbox.markDead(row, reason, isAwaited(account, row) ? undefined : doorOf(row, isOpen));
    updateCards(account); // it may be one, which no one can press then
    if (!of || of.kind === "draft") return;
    // Schedules judge by what uses deliveries.
    const { runEnded } = await import("../../features/schedules/runner.ts");
    runEnded(account, of.cause);
  }

  return {
    /** Milliseconds by which the clock was set forward so far; read it before the row. */
    clockSetMs: clock.setForwardMs,
    /**
     * Makes one attempt, and stores its result.
     *
     * @param setMs `clockSetMs` from before the row was read.
     */
    attempt,
    /**
     * Forgets the failures of channels that have nothing left to send.
     *
     * @param heads First unsent rows of the channels.
     * @param channels Channels that were read; absent: all.
     */
    keepFailures: failing.keep,
    /** Tells that Discord served a request to a channel, of any kind. */
    served: failing.served,
    /** The rows that wait because of failures. */
    delayed: failing.delayed,
  };
}

/** A row has its result: what shows turns, owners, listeners and extras get to know. */
function delivered(account: BotAccount, row: OutboxRow, delivery: Delivery): void {
  account.bot.meter.delivery(row, delivery);
  progressDelivered(account, row, delivery);
  if (delivery.kind === "created" || delivery.kind === "found") {
    ownerReached(account, row.message.channelId);
  }
  intentOf(account).delivered(row, delivery);
  tellExtras(account, "delivered", row, delivery);
}

/** The store has the result of an attempt, or the row is given up without one. */
function attempted(account: BotAccount, row: OutboxRow): void {
  if (row.message.of?.kind === "tool") toldSent(account, row);
  tellExtras(account, "attempted", row);
}

function reportHeld({ id: row, message }: OutboxRow, reason: string, log: Log): void {
  const { channelId, nonce } = message;
  log.error(
    "Cannot tell whether Discord has a message; holding it until the operator sends or drops " +
      "it with `barnacle outbox`",
    { channelId, row, nonce, reason },
  );
}

function failedByNetwork(delivery: Delivery): boolean {
  switch (delivery.kind) {
    case "unsent":
    case "unanswered":
      return true;
    case "unread":
      return delivery.why === "unreachable";
    default:
      return false;
  }
}
