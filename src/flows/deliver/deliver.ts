/**
 * Delivers the outbox: one queue for each channel, one row of it at a time. Order matters only
 * within a channel, so one that Discord slows down or has deleted delays no other.
 *
 * A process can die between any two lines of this file. The intent is stored before the request
 * leaves, so the next process knows that Discord may have the message. The nonce in the row makes a
 * repeated request harmless while Discord remembers it. After that, Barnacle reads the channel
 * first.
 *
 * Edits and deletions of drafts need none of that to be repeated. They have an intent all the same:
 * a request under way is not dropped (D4).
 *
 * After some minutes a nonce no longer finds a message. The channel's history does, or shows that
 * it is missing. If it can show neither, Barnacle does not send the message twice (D2).
 */

import type { BotAccount } from "../../account/account.ts";
import { receiptAttempted } from "../receipts/receipts.ts";
import { perAccount, wakes } from "../../account/per_account.ts";
import { type ChannelId, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import {
  afterDelivery,
  type AttemptFacts,
  CLOSED_DIRECT,
  type Delivery,
  type DeliveryStep,
  type EarliestTime,
  earliestTimeOf,
  isSame,
  namesMessage,
  type Next,
  type Posted,
  type PostedPage,
  retryWaitMs,
  stepFor,
  subjectOf,
  takesOthers,
  type Unread,
} from "../../core/outbound/delivery.ts";
import type {
  OutboundFile,
  OutboundMessage,
  OutboxRow,
  PostOutcome,
} from "../../core/outbound/outbound.ts";
import {
  createMessage,
  deleteMessage,
  editMessage,
  readPosted,
  toUnread,
} from "../../discord/rest/requests/messages.ts";
import type { Log } from "../../lib/log.ts";
import { createWaker } from "../../lib/waker.ts";
import { withoutFiles } from "../../render/reply.ts";
import { intentOf } from "../judging/judge.ts";
import { filesRefused, ownerReached, ownerRefused } from "../owners/tell_owners.ts";
import { updateCards } from "../questions/cards.ts";
import { progressDelivered } from "./progress.ts";
import {
  canReadHistory,
  createClockChanges,
  createFailingRows,
  createOwedWords,
  createParking,
  createRefusedMessages,
  doorOf,
} from "./park.ts";
import { isAwaited, toldSent } from "./tool_messages.ts";

/** The result of looking for a message. `uncertain`: the history can show neither. */
type Reconciled =
  | { readonly kind: "found"; readonly messageId: MessageId }
  | { readonly kind: "absent" }
  | { readonly kind: "uncertain"; readonly reason: string }
  | Unread;

/** Maximum number of pages to read in one look: 1,000 messages. */
export const MAX_PAGES = 10;

const NOT_SHOWN = "the bot may not read the message history of the channel";
const TOO_MUCH = `more than ${MAX_PAGES * 100} messages came after it may have been sent`;
const NOT_READ_YET: Unread = {
  kind: "unread",
  why: "unreachable",
  reason: "Discord has not told yet which user we are",
};

/**
 * Finds out whether Discord has a row's message. Changes nothing.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function reconcile(account: BotAccount, row: OutboxRow): Promise<Reconciled> {
  const { store: { outbox } } = account;
  const self = account.self()?.userId;
  if (self === undefined) return NOT_READ_YET;
  const earliest = earliestTimeOf(row, account.now());
  const files = row.fileCount > 0 ? await outbox.filesOf(row) : [];
  const fileSizes = files.map(({ bytes }) => bytes.length);

  let before: MessageId | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const read = await readPage(account, row.message, before);
    if (read.kind !== "page") return read;
    const alike = read.messages.filter((posted) =>
      posted.authorId === self && isWithin(posted, earliest) &&
      isSame(row.message, fileSizes, posted)
    );
    const found = await firstUnknown(account, row.message.channelId, alike);
    if (found !== undefined) return { kind: "found", messageId: found };
    before = read.oldest ?? before;
    if (read.isLast || isBefore(before, earliest.from)) return { kind: "absent" };
  }
  return isBefore(before, earliest.orFrom)
    ? { kind: "absent" }
    : { kind: "uncertain", reason: TOO_MUCH };
}

/**
 * Reads a page. An empty page means the channel's beginning only if the bot may read the history.
 * So the page is read once more after that check.
 */
async function readPage(
  account: BotAccount,
  message: OutboundMessage,
  before: MessageId | undefined,
): Promise<PostedPage | Unread | { readonly kind: "uncertain"; readonly reason: string }> {
  const { channelId } = message;
  const page = await readPosted(account.rest, channelId, before);
  if (page.kind === "unread" || page.oldest !== undefined) return page;
  const may = await canReadHistory(account, message).catch(toUnread);
  if (may === false) return { kind: "uncertain", reason: NOT_SHOWN };
  if (may !== true) return may;
  return await readPosted(account.rest, channelId, before);
}

/** Two rows with one text are two messages: a message of another row is not this one's. */
async function firstUnknown(
  { store: { outbox } }: BotAccount,
  channelId: ChannelId,
  alike: readonly Posted[],
): Promise<MessageId | undefined> {
  if (alike.length === 0) return undefined;
  const ids = alike.map(({ id }) => id);
  const known = await outbox.known(channelId, ids);
  return ids.find((id) => !known.has(id));
}

function isWithin({ id }: Posted, { from }: EarliestTime): boolean {
  return createdAtMs(id) >= from;
}

function isBefore(id: MessageId | undefined, time: number): boolean {
  return id !== undefined && createdAtMs(id) < time;
}

/**
 * Makes the next request for a row. The caller keeps the order: one row of a channel at a time.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function deliver(account: BotAccount, row: OutboxRow): Promise<Delivery> {
  const { store: { outbox }, bootedAt } = account;
  const now = account.now();
  const step = stepFor(row, now, { nonceWindowMs: nonceWindowMs(account), bootedAt });
  switch (step.kind) {
    case "nothing":
      await outbox.markSent(row);
      return step;
    case "look":
      return await checkHistory(account, row);
    default:
      return await send(account, row, step, now);
  }
}

/** Milliseconds after the first attempt for which Barnacle relies on a nonce. */
function nonceWindowMs({ config }: BotAccount): number {
  return config().discord.rest.nonceWindowSec * 1_000;
}

type Request = Extract<DeliveryStep, { readonly kind: "post" | "edit" | "delete" }>;

async function send(
  account: BotAccount,
  row: OutboxRow,
  step: Request,
  now: number,
): Promise<Delivery> {
  const { store: { outbox } } = account;
  const files = row.fileCount > 0 ? await outbox.filesOf(row) : [];
  if (!await outbox.markSending(row, now)) return { kind: "settled" };
  const outcome = await request(account, row, step, files);
  switch (outcome.kind) {
    case "created":
      if (await outbox.markSent(row, outcome.messageId)) break;
      return { ...outcome, wasEchoed: true };
    case "already_gone": // delivered, then deleted: to send it again would undo a moderator
      if (await outbox.markSent(row)) break;
      return { ...outcome, wasEchoed: true };
    case "refused":
    case "unsent":
      await outbox.markRefused(row, outcome.reason, account.now());
      break;
    case "unanswered":
      await outbox.markFailing(row, account.now());
      break;
  }
  return outcome;
}

function request(
  { rest }: BotAccount,
  { message }: OutboxRow,
  step: Request,
  files: readonly OutboundFile[],
): Promise<PostOutcome> {
  switch (step.kind) {
    case "post":
      return createMessage(rest, message, files, step.notAfter);
    case "edit":
      return editMessage(rest, step.messageId, message, files);
    case "delete":
      return deleteMessage(rest, message.channelId, step.messageId);
  }
}

/**
 * Looks for a row's message in the channel's history, and stores the result.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
async function checkHistory(account: BotAccount, row: OutboxRow): Promise<Delivery> {
  const { store: { outbox } } = account;
  const result = await reconcile(account, row);
  switch (result.kind) {
    case "found":
      if (await outbox.markSent(row, result.messageId)) break;
      return { ...result, wasEchoed: true };
    case "absent":
      await outbox.markAbsent(row);
      break;
    case "unread":
      await outbox.markFailing(row, account.now());
      break;
    case "uncertain": // the caller holds it
      break;
  }
  return result;
}

/**
 * Removes a row's files. An earlier attempt may have sent the message with its files, and a row
 * without them could not be found in the history any more. So the history is read first.
 *
 * @returns What the history shows if the files were not removed; `undefined` if they were.
 * @throws {unknown} The store's error, as a rejection.
 */
async function removeFiles(
  account: BotAccount,
  row: OutboxRow,
): Promise<Delivery | undefined> {
  const { store: { outbox } } = account;
  if (row.firstAttemptAt !== undefined && row.action.kind === "post") {
    const seen = await checkHistory(account, row);
    if (seen.kind !== "absent") return seen;
  }
  const names = (await outbox.filesOf(row)).map(({ name }) => name);
  await outbox.removeFiles(row, withoutFiles(row.message, names));
  return undefined;
}

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
function createDeliveryAttempts(
  account: BotAccount,
  parking: ReturnType<typeof createParking>,
) {
  const { store: { outbox }, log, now } = account;
  const failing = createFailingRows(account);
  const refusedMessages = createRefusedMessages();
  const clock = createClockChanges(account);

  async function attempt(stored: OutboxRow, setMs: number): Promise<Attempted> {
    await clock.check();
    const row = clock.shifted(stored, setMs);
    const { channelId } = row.message;
    const askedAt = now();
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
    wakes(account).runEnded(of.cause);
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

/** A row has its result: what shows turns, owners, listeners and features get to know. */
function delivered(account: BotAccount, row: OutboxRow, delivery: Delivery): void {
  account.bot.meter.delivery(row, delivery);
  progressDelivered(account, row, delivery);
  if (delivery.kind === "created" || delivery.kind === "found") {
    ownerReached(account, row.message.channelId);
  }
  intentOf(account).delivered(row, delivery);
  if (row.message.of?.kind === "notice") wakes(account).hooks(); // perhaps the first of an incident
}

/** The store has the result of an attempt, or the row is given up without one. */
function attempted(account: BotAccount, row: OutboxRow): void {
  if (row.message.of?.kind === "tool") toldSent(account, row);
  receiptAttempted(account, row);
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

/** Milliseconds before the next attempt after a failure of our own or of the disk. */
const FAULT_WAIT_MS = 5_000;
/** Milliseconds before the next reading after a failed one. */
const READ_RETRY_MS = 5_000;

/** The queues of an account. They send nothing before the first `wake`. */
export const queuesOf: (account: BotAccount) => ChannelQueues = perAccount(
  "delivery",
  createChannelQueues,
);

function createChannelQueues(account: BotAccount) {
  const { accountId, store: { outbox }, schedule, log } = account;
  /** Channels with a running attempt, or that wait for the next one. */
  const busy = new Set<ChannelId>();
  const underWay = new Set<Promise<void>>();
  const waiting = new Map<ChannelId, {
    /** The row to try then. While it waits, it is the channel's first. */
    readonly row: number;
    /** Ends the wait early. */
    readonly end: () => void;
    /** Whether it waits because Barnacle could not reach Discord. */
    readonly isNetworkFailure: boolean;
  }>();
  /** Channels that may have rows which were not read. */
  const stale = new Set<ChannelId>();
  let isAllStale = false;
  let isOpened = false;
  let hasBegun = false;
  const waker = createWaker({
    schedule,
    async run() {
      if (!isOpened) await parking.open();
      isOpened = true;
      while ((isAllStale || stale.size > 0) && !waker.isStopped()) {
        const channels = isAllStale ? undefined : [...stale];
        isAllStale = false;
        stale.clear();
        await readHeads(channels);
      }
      return undefined;
    },
    failed(error) {
      log.error("Cannot read the outbox; will try again", { error });
      if (isOpened) isAllStale = true; // the failed reading has taken its channels
      return READ_RETRY_MS;
    },
  });
  const parking = createParking(account, wake);
  const words = createOwedWords(account);
  const attempts = createDeliveryAttempts(account, parking);
  let isStopping = false;

  /** Tells that these channels may have new rows; absent: any channel may. */
  function wake(channels?: readonly ChannelId[]): void {
    if (!channels) isAllStale = true;
    for (const channel of channels ?? []) stale.add(channel);
    if (!isAllStale && stale.size === 0) return;
    if (hasBegun) return waker.wake();
    hasBegun = true;
    waker.start();
  }

  async function readHeads(channels: readonly ChannelId[] | undefined): Promise<void> {
    words.changed();
    const setMs = attempts.clockSetMs();
    const heads = await outbox.heads(accountId, channels);
    attempts.keepFailures(heads, channels);
    for (const row of heads) {
      const { channelId } = row.message;
      // An operator, or an echo, may have settled the row that it waits for.
      const inWaiting = waiting.get(channelId);
      if (inWaiting && inWaiting.row !== row.id) inWaiting.end();
      if (busy.has(channelId) || isStopping) continue;
      busy.add(channelId);
      const running: Promise<void> = run(row, setMs).finally(() => underWay.delete(running));
      underWay.add(running);
    }
  }

  /**
   * Makes one attempt for a row, and schedules the next one if needed.
   *
   * @param setMs Milliseconds by which the clock had been set when the row was read.
   */
  async function run(row: OutboxRow, setMs: number): Promise<void> {
    const { channelId } = row.message;
    const { waitMs, isNetworkFailure } = await attempts.attempt(row, setMs).catch(
      (error: unknown) => {
        log.error("Delivery failed unexpectedly; will try again", { channelId, error });
        return { waitMs: FAULT_WAIT_MS, isNetworkFailure: false };
      },
    );
    const free = () => {
      waiting.delete(channelId);
      busy.delete(channelId);
      wake([channelId]);
    };
    if (waitMs === 0) return free();
    if (isStopping) return;
    const cancel = schedule(free, waitMs);
    const end = () => {
      cancel();
      free();
    };
    waiting.set(channelId, { row: row.id, end, isNetworkFailure });
  }

  async function drain(): Promise<void> {
    while (waker.running() || underWay.size > 0) {
      await Promise.all([waker.running(), ...underWay]);
    }
  }

  return {
    wake,
    /** Tells that the gateway's echo has settled rows in these channels, so they need not wait. */
    settled(channels: readonly ChannelId[]): void {
      for (const channel of channels) waiting.get(channel)?.end();
    },
    heardFrom: parking.heardFrom,
    permissionsChanged: parking.permissionsChanged,
    served: attempts.served,
    delayed: attempts.delayed,
    /** Tells that Discord is reachable again: rows that could not reach it are tried now. */
    reachable(): void {
      for (const { end, isNetworkFailure } of [...waiting.values()]) {
        if (isNetworkFailure) end();
      }
    },
    /** Resolves once no row can be sent now; rows that wait for their next attempt stay. */
    drain,
    /** Begins no further row, and resolves once running attempts have ended. */
    async stop(): Promise<void> {
      isStopping = true;
      waker.stop();
      await parking.stop();
      await words.stop();
      await drain();
      for (const { end } of [...waiting.values()]) end();
    },
  };
}

export type ChannelQueues = ReturnType<typeof createChannelQueues>;
