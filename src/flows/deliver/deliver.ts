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
 *
 * Discord may accept nothing in a channel until a person changes that: it is parked (D5). Each refusal
 * is one of Discord's invalid requests, and ten thousand of them ban an address. So Barnacle tries a
 * channel again when permissions change, when it will answer a new message there, every half hour, and
 * at the next start.
 *
 * A message that waits has a visible reason: the store gets it after each failure, and the log one line
 * when the fast retries are over. Words that the bot owes people go through the first open door.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakeChannels, wakes } from "../../account/per_account.ts";
import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import {
  afterDelivery,
  type AttemptFacts,
  CLOSED_DIRECT,
  type Delivery,
  type DeliveryStep,
  type EarliestTime,
  earliestTimeOf,
  failedAgain,
  type Failures,
  isSame,
  type MissingHere,
  namesMessage,
  type Next,
  type Posted,
  type PostedPage,
  sendWaitMs,
  stepFor,
  subjectOf,
  takesOthers,
  type Unread,
} from "../../core/outbound/outbound.ts";
import type {
  Frozen,
  OutboundFile,
  OutboundMessage,
  OutboxRow,
  PostOutcome,
} from "../../core/outbound/outbound.ts";
import type { ToolTarget } from "../../core/turn/discord_place.ts";
import { isRefusal } from "../../discord/rest/exchange/exchange.ts";
import {
  createCanReadHistory,
  createExplainDenial,
  explainCode,
  namesPermission,
  neededToPost,
  openDirect,
  readPlace,
} from "../../discord/rest/requests/guild_reads.ts";
import {
  createMessage,
  deleteMessage,
  editMessage,
  readPosted,
  toUnread,
} from "../../discord/rest/requests/messages.ts";
import type { DelayedMessage } from "../../http/snapshot.ts";
import type { Log } from "../../lib/log.ts";
import { createWaker } from "../../lib/clock.ts";
import { withoutFiles } from "../../render/reply.ts";
import { lostText, refusedText } from "../../render/sentences.ts";
import type { Door, OwedRow } from "../../store/outbox/outbox.ts";
import { intentOf } from "../judging/judge.ts";
import {
  filesRefused,
  ownerReached,
  ownerRefused,
  tellLost,
  tellParked,
} from "../owners/tell_owners.ts";
import { updateCards } from "../questions/cards.ts";
import { receiptAttempted } from "../receipts/receipts.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { composedOnce } from "../tell.ts";
import { ackAnswered, progressDelivered } from "./progress.ts";
import { completeCommand } from "./left_commands.ts";
import { isAwaited, toldSent } from "./tool_messages.ts";
import { ownersToTell } from "../owners/owner_ids.ts";

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

export interface Attempted {
  /** Milliseconds until the channel's next attempt; 0: none is needed, or it may begin at once. */
  readonly waitMs: number;
  /** Whether it failed because Barnacle could not reach Discord. */
  readonly isNetworkFailure: boolean;
}

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
    const askedAt = now();
    const delivery = await deliver(account, stored);
    delivered(account, stored, delivery);
    await clock.check(); // no request depends on how long a row has been failing
    const row = clock.shifted(stored, setMs);
    const waitMs = await settle(row, delivery, askedAt, {
      now: now(),
      ...failing.next(row.message.channelId),
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
        const waitMs = sendWaitMs(facts);
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
  const { of, footer, buttons } = row.message;
  if (of?.kind === "tool") toldSent(account, row);
  if (of?.kind === "tool" || footer !== undefined || buttons) receiptAttempted(account, row);
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

/**
 * Makes the next request for a row. The caller keeps the order: one row of a channel at a time.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function deliver(account: BotAccount, row: OutboxRow): Promise<Delivery> {
  const { store: { outbox }, bootedAt } = account;
  const now = account.now();
  const step = stepFor(row, now, nonceWindowMs(account), bootedAt());
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
    const read = await readPage(account, self, row.message, before);
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
  userId: UserId,
  message: OutboundMessage,
  before: MessageId | undefined,
): Promise<PostedPage | Unread | { readonly kind: "uncertain"; readonly reason: string }> {
  const { channelId } = message;
  const page = await readPosted(account.rest, channelId, before);
  if (page.kind === "unread" || page.oldest !== undefined) return page;
  const may = await canReadHistory(account, userId, message).catch(toUnread);
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

/** Why a row waits, and for how many milliseconds. */
export interface Wait {
  /** Discord's last refusal, or the reason why it could not be reached. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly waitMs: number;
}

interface Failing extends Failures {
  /** Whether Discord has served another request to the channel since the last failure. */
  wasServed: boolean;
  /** Set once the fast retries are over. */
  readonly delayed?: DelayedMessage;
}

function createFailingRows(account: BotAccount) {
  const { store: { outbox }, now, log } = account;
  const failing = new Map<ChannelId, Failing>();
  return {
    /** Counts one more failure of a channel, without keeping it. */
    next(channelId: ChannelId): Failures {
      const before = failing.get(channelId);
      return failedAgain(before, before?.wasServed ?? false);
    },
    /**
     * Notes that a row waits for its next attempt.
     *
     * @param failures Absent if the wait follows no failure, but a rate limit of Discord's.
     * @throws {unknown} The store's error, as a rejection.
     */
    async wait(row: OutboxRow, { reason, waitMs }: Wait, failures?: Failures): Promise<void> {
      const { id, message: { channelId } } = row;
      const nextAttemptAt = now() + waitMs;
      if (failures) {
        const { failed, served } = failures;
        const { attempts } = account.config().discord.retry;
        const isDelayed = failed >= attempts;
        const delayed = { row: id, channelId, reason, nextAttemptAt };
        failing.set(channelId, {
          failed,
          served,
          wasServed: false,
          delayed: isDelayed ? delayed : undefined,
        });
        if (failed === attempts) {
          log.warn("A message waits, because it could not be delivered", {
            channelId,
            row: id,
            reason,
            waitSec: Math.ceil(waitMs / 1_000),
          });
        }
      }
      await outbox.markWaiting(row, reason, nextAttemptAt);
    },
    /** Notes that Discord served a request to a channel. */
    served(channelId: ChannelId): void {
      const before = failing.get(channelId);
      if (before) before.wasServed = true;
    },
    /** Forgets the failures of a channel, whose row is delivered or ended. */
    end: (channelId: ChannelId): void => void failing.delete(channelId),
    /** Forgets the channels that have nothing left to send; `channels` were read; absent: all. */
    keep(
      heads: readonly OutboxRow[],
      channels: readonly ChannelId[] | undefined = [...failing.keys()],
    ): void {
      if (failing.size === 0) return;
      const unsent = new Set(heads.map(({ message }) => message.channelId));
      for (const channelId of channels) if (!unsent.has(channelId)) failing.delete(channelId);
    },
    /** The rows that wait because of failures. */
    delayed: (): readonly DelayedMessage[] =>
      [...failing.values()].flatMap(({ delayed }) => delayed ?? []),
  };
}

/**
 * Smallest change that counts, in milliseconds. A smaller one does not matter for waits of a day.
 */
const LEAST_MS = 5 * 60_000;

/** Starts watching the clock of this process. */
function createClockChanges({ accountId, store: { outbox }, now, steadyNow }: BotAccount) {
  const ahead = () => now() - steadyNow();
  let seen = ahead();
  let setMs = 0;

  return {
    /**
     * Compares the clocks, and moves the stored times if the clock was set forward.
     *
     * @throws {unknown} The store's error, as a rejection; the next call tries again.
     */
    async check(): Promise<void> {
      const byMs = ahead() - seen;
      if (Math.abs(byMs) < LEAST_MS) return;
      seen += byMs;
      if (byMs < 0) return;
      try {
        await outbox.shiftFailing(accountId, byMs, now() - byMs);
      } catch (error) {
        seen -= byMs;
        throw error;
      }
      setMs += byMs; // only now, so that a row read before counts as older, never as newer
    },
    /** Total milliseconds by which the clock was set forward, as far as stored times moved. */
    setForwardMs: (): number => setMs,
    /**
     * Brings a row up to date.
     *
     * @param setForwardMs `setForwardMs` from before the row was read.
     */
    shifted(row: OutboxRow, setForwardMs: number): OutboxRow {
      const byMs = setMs - setForwardMs;
      const { failingSince } = row;
      if (failingSince === undefined || failingSince > now() - byMs) return row;
      return { ...row, failingSince: failingSince + byMs };
    },
  };
}

function createRefusedMessages() {
  /** The last row that was refused so, by its channel. */
  const refused = new Map<ChannelId, { readonly row: number; readonly hasEnded: boolean }>();
  return {
    /** Judges a row that Discord has refused, although the bot has all permissions there. */
    judge({ id, message: { channelId } }: OutboxRow): "again" | "end" | "park" {
      const before = refused.get(channelId);
      if (before?.hasEnded) return "park";
      const hasEnded = before?.row === id;
      refused.set(channelId, { row: id, hasEnded });
      return hasEnded ? "end" : "again";
    },
    /** Tells that Discord accepted a message there. */
    delivered: (channelId: ChannelId): void => void refused.delete(channelId),
  };
}

/** A channel that refused, until Discord accepts a message there. */
interface ParkedPlace {
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
  /** Whether the permissions in the place gave the reason, and not only Discord's refusal. */
  readonly isExplained: boolean;
  /** Absent for a direct message channel, and for channels that the last process parked. */
  readonly guildId?: GuildId | undefined;
  /** Whether the channel's rows wait; `false` during a try. */
  isClosed: boolean;
  /** Unix time in milliseconds from which on it may be tried. */
  readonly freeAt: number;
  readonly refusedAt: number;
  /** Cancels a scheduled try. */
  cancel?: (() => void) | undefined;
}

/** Milliseconds between two tries of all parked channels. */
const TRY_EVERY_MS = 30 * 60_000;

/** Minimum milliseconds between tries of a channel after its second refusal. */
const SPACING_MS = 60_000;

/**
 * Creates the parking of one account.
 *
 * @param onOpened Called with channels whose rows may be tried.
 */
function createParking(
  account: BotAccount,
  onOpened: (channels: readonly ChannelId[]) => void,
) {
  const { accountId, store: { outbox }, now, schedule, log } = account;
  const places = new Map<ChannelId, ParkedPlace>();
  /** Unix time in milliseconds of a guild's last change of permissions; a refusal may be older. */
  const changedAt = new Map<GuildId, number>();
  const underWay = new Set<Promise<void>>();
  let tries: { readonly at: number; readonly cancel: () => void } | undefined;
  let isStopping = false;

  function hasChanged(guildId: GuildId | undefined, since: number): boolean {
    return guildId !== undefined && (changedAt.get(guildId) ?? -Infinity) >= since;
  }

  function reopen(channels: readonly ChannelId[]): void {
    if (isStopping || channels.length === 0) return;
    const opened = channels.flatMap((channelId) => places.get(channelId) ?? []);
    for (const place of opened) {
      place.isClosed = false;
      place.cancel?.();
      place.cancel = undefined;
    }
    const opening: Promise<void> = outbox.unpark(accountId, channels).then(
      () => onOpened(channels),
      (error: unknown) => {
        log.error("Cannot open parked channels; will try again", { error });
        for (const place of opened) place.isClosed = true;
        later();
      },
    ).finally(() => underWay.delete(opening));
    underWay.add(opening);
  }

  /** Tries a channel again, but not too often for Discord's limit of invalid requests. */
  function soon(channelId: ChannelId, place: ParkedPlace): void {
    if (!place.isClosed || place.cancel || isStopping) return;
    const waitMs = Math.min(SPACING_MS, place.freeAt - now()); // a clock may go back
    if (waitMs <= 0) return reopen([channelId]);
    place.cancel = schedule(() => reopen([channelId]), waitMs);
  }

  /** Tries all parked channels within half an hour. @returns Unix time in milliseconds of that try. */
  function later(): number {
    const at = now() + TRY_EVERY_MS;
    if (isStopping) return at; // the next start tries them
    tries ??= {
      at,
      cancel: schedule(() => {
        tries = undefined;
        reopen([...places].filter(([, { isClosed }]) => isClosed).map(([channelId]) => channelId));
      }, TRY_EVERY_MS),
    };
    return tries.at;
  }

  return {
    /**
     * Opens channels that the last process left parked. If it fails, it may be called again.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    async open(): Promise<void> {
      for (const { channelId, reason } of await outbox.parked(accountId, now())) {
        const place = { reason, isExplained: false, isClosed: false };
        places.set(channelId, { ...place, refusedAt: -Infinity, freeAt: -Infinity });
      }
      if (places.size > 0) await outbox.unpark(accountId, "all");
    },
    /**
     * Finds the reason of a refusal. While a channel is parked and nothing changes, the reason of its
     * first refusal holds. Barnacle asks Discord again only if it did not answer then. Never rejects.
     */
    async explain(row: OutboxRow, { code }: {
      /** Discord's own words. */
      readonly reason: string;
      /** Discord's error code; absent if it sent none. */
      readonly code?: number;
    }): Promise<Explained> {
      const { channelId, guildId } = row.message;
      const before = places.get(channelId);
      // After a change, another permission may be the missing one.
      if (before?.isExplained && !hasChanged(guildId, before.refusedAt)) {
        return { missing: "other", reason: before.reason };
      }
      try {
        return await explainRefusal(account, row, code);
      } catch (error) { // Discord's own words are enough
        log.debug("Cannot find out which permission is missing", { error });
        return { missing: "unknown" };
      }
    },
    /**
     * Parks a channel.
     *
     * @param row The refused row.
     * @param explained What the permissions tell, with a reason for people: the missing permission by
     * name, or Discord's own words.
     * @param askedAt Unix time in milliseconds of the request.
     * @throws {unknown} The store's error, as a rejection.
     */
    async close(
      row: OutboxRow,
      { missing, reason }: Explained & { readonly reason: string },
      askedAt: number,
    ): Promise<void> {
      const { channelId, guildId } = row.message;
      const before = places.get(channelId);
      before?.cancel?.();
      const refusedAt = now();
      const place: ParkedPlace = {
        guildId,
        reason,
        isExplained: missing !== "unknown",
        isClosed: true,
        refusedAt,
        freeAt: before ? refusedAt + SPACING_MS : refusedAt,
      };
      const until = { reason, now: refusedAt, nextTryAt: later() };
      const isFirstReport = await outbox.park(accountId, channelId, until).finally(() => {
        places.set(channelId, place); // even if the store fails: Discord refuses there
      });
      if (isFirstReport) {
        const parked = { channelId, ...(guildId && { guildId }), reason };
        log.error("Discord does not let the bot post in a channel; its messages wait", parked);
        ownerRefused(account, parked);
        tellParked(account, parked);
      }
      updateCards(account); // those whose cards wait there
      if (hasChanged(guildId, askedAt)) soon(channelId, place);
    },
    /** Tells that Discord accepted a message there. So the next refusal gets a new report. */
    delivered(channelId: ChannelId): void {
      const place = places.get(channelId);
      if (!place) return;
      place.cancel?.();
      places.delete(channelId);
      log.info("Discord lets the bot post in a channel again", { channelId });
    },
    /** Tells that the bot will answer a message there. */
    heardFrom(channelId: ChannelId): void {
      const place = places.get(channelId);
      if (place) soon(channelId, place);
    },
    /** Tells that roles, overwrites, channels or our own member changed in a guild. */
    permissionsChanged(guildId: GuildId): void {
      changedAt.set(guildId, now());
      for (const [channelId, place] of places) {
        if (place.guildId === guildId) soon(channelId, place);
      }
    },
    /** Begins nothing more, and resolves once running transactions have ended. */
    async stop(): Promise<void> {
      isStopping = true;
      tries?.cancel();
      for (const { cancel } of places.values()) cancel?.();
      await Promise.all(underWay);
    },
  };
}

/** Permissions that are asked for at the same time share their requests. */
const permissions = perAccount("delivery", ({ rest, now }) => ({
  explainDenial: createExplainDenial(rest, now),
  canReadHistory: createCanReadHistory(rest),
}));

interface Explained {
  readonly missing: MissingHere;
  /** For people: the missing permission by name; absent if only Discord's words are known. */
  readonly reason?: string;
}

/**
 * Whether the bot has the permission. Without it, Discord shows an empty history, not an error.
 *
 * @throws {RestError} If Discord does not answer.
 */
async function canReadHistory(
  account: BotAccount,
  userId: UserId,
  message: OutboundMessage,
): Promise<boolean> {
  return await permissions(account).canReadHistory({ ...await placeOf(account, message), userId });
}

/**
 * Finds the missing permission of a refused row, and its cause.
 *
 * @param code Discord's error code; absent if it sent none.
 * @throws {RestError} If Discord does not answer.
 */
async function explainRefusal(
  account: BotAccount,
  { message, fileCount }: OutboxRow,
  code: number | undefined,
): Promise<Explained> {
  const words = code === undefined ? undefined : explainCode(code);
  const byCode = words === undefined ? {} : { reason: words };
  const userId = account.self()?.userId;
  if (userId === undefined) return { missing: "unknown", ...byCode };
  const { quote } = message;
  const needed = neededToPost({ hasFiles: fileCount > 0, isQuote: quote !== undefined });
  const place = await placeOf(account, message);
  const denial = await permissions(account).explainDenial({ ...place, userId }, needed);
  if (denial) {
    const missing = denial.permission === "Attach Files" ? "files" : "other";
    return { missing, reason: denial.text };
  }
  if (!("guildId" in place)) return { missing: "unknown", ...byCode };
  return { missing: "none", ...(code !== undefined && !namesPermission(code) && byCode) };
}

/** The place of a message. A message that answers no other may lack its guild. */
async function placeOf({ rest }: BotAccount, { channelId, guildId, of }: OutboundMessage) {
  const inGuild = guildId === undefined && !of
    ? await readPlace(rest, channelId)
    : guildId === undefined
    ? {}
    : { guildId };
  return { channelId, ...inGuild };
}

/** How long to wait for more lost messages, in milliseconds. */
const GATHER_MS = 5_000;

/** The first door for a message that is lost; `undefined` for one that no one misses. */
function doorOf(
  { message: { of, guildId }, action }: OutboxRow,
  isOpen: boolean,
): Door | undefined {
  if (of?.kind === "draft" || action.kind === "delete") return undefined;
  if (!of || of.kind === "tool" || of.kind === "challenge") return "owner";
  if (isOpen && of.kind !== "word") return "place";
  return guildId === undefined ? "owner" : "direct";
}

/** Creates the words of one account. */
function createOwedWords(account: BotAccount) {
  const retries = createRetryQueue("Cannot tell people that a message is lost", account);
  let cancel: (() => void) | undefined;
  return {
    /** Messages may be lost, or wait; also those of the last process. */
    changed(): void {
      cancel ??= account.schedule(() => {
        cancel = undefined;
        retries.add(() => tellAll(account));
      }, GATHER_MS);
    },
    /** Gives no more words; the next start does. */
    async stop(): Promise<void> {
      cancel?.();
      await retries.stop();
    },
  };
}

async function tellAll(account: BotAccount): Promise<void> {
  const { accountId, store: { outbox } } = account;
  const failures: unknown[] = [];
  const forOwners: OwedRow[] = [];
  const known = new Set<unknown>();
  for (const row of await outbox.owed(accountId)) {
    if (row.kind !== "word" && known.has(row.causeId)) continue;
    try {
      if (await tellAboutLost(account, row)) known.add(row.causeId ?? row);
      else forOwners.push(row);
    } catch (error) { // the others wait for none
      failures.push(error);
    }
  }
  for (const [channelId, lost] of Map.groupBy(forOwners, (row) => row.channelId)) {
    const [{ id } = { id: 0 }] = lost;
    const reason = lost.at(-1)?.refusal ?? "";
    await tellLost(account, { channelId, reason, count: lost.length, key: `lost:${id}` });
    for (const row of lost) await outbox.told(row, [], account.now());
    for (const { causeId } of lost) if (causeId) ackAnswered(account, causeId, "word");
  }
  if (failures.length > 0) throw failures[0];
}

/** @returns Whether the owners need not know: the person does, or they know that it waits. */
async function tellAboutLost(account: BotAccount, row: OwedRow): Promise<boolean> {
  const { store: { outbox }, now } = account;
  const { state, causeId } = row;
  const isWaiting = state === "pending" || state === "sending";
  const word = await wordFor(account, row, isWaiting);
  if (!word || causeId === undefined) {
    if (isWaiting) await outbox.unreachable(row);
    return isWaiting;
  }
  await outbox.told(row, word, now());
  ackAnswered(account, causeId, "word");
  wakeChannels(account, word.map(({ message: { channelId } }) => channelId));
  return true;
}

/** @returns `undefined` if no person can be told. */
async function wordFor(
  account: BotAccount,
  row: OwedRow,
  isWaiting: boolean,
): Promise<readonly Frozen[] | undefined> {
  const { owes, personId, reminder, causeId, channelId, draftNonce } = row;
  const command = causeId && !(owes === "place" && draftNonce) && // the draft would stay
    await account.store.inbox.commandOf(causeId, account.now());
  if (command) {
    const text = lostText(channelId, isWaiting);
    if (await completeCommand(account, command, text)) return [];
  }
  if (owes === "owner" || personId === undefined) return undefined;
  if (owes === "place") return inPlace(account, row);
  // Owners have read that messages wait there.
  const isKnown = isWaiting && reminder.length === 0 &&
    (await ownersToTell(account)).includes(personId);
  return isKnown ? [] : await direct(account, row, personId, isWaiting);
}

/** The word takes the place of the draft. */
function inPlace(account: BotAccount, row: OwedRow): readonly Frozen[] {
  const { channelId, guildId, draftNonce } = row;
  const text = refusedText(row.state === "dead");
  const frozen = wordOf(account, row, { channelId, guildId }, [text]);
  return frozen.map((one) => ({
    ...one,
    draft: draftNonce === undefined ? undefined : { nonce: draftNonce, becomes: "this" as const },
  }));
}

/** @returns `undefined` if Discord opens no direct channel with the person. */
async function direct(
  account: BotAccount,
  row: OwedRow,
  personId: UserId,
  isWaiting: boolean,
): Promise<readonly Frozen[] | undefined> {
  try {
    const channelId = await openDirect(account.rest, personId);
    const { reminder } = row;
    const texts = reminder.length > 0 ? reminder : [lostText(row.channelId, isWaiting)];
    return wordOf(account, row, { channelId }, texts);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function wordOf(
  account: BotAccount,
  { causeId: cause }: OwedRow,
  place: ToolTarget,
  texts: readonly string[],
): readonly Frozen[] {
  if (cause === undefined) return [];
  const { channelId } = place;
  const composed = texts.flatMap((text, at) =>
    composedOnce(account, channelId, text, ["word", channelId, cause, ...at ? [at] : []].join(":"))
  );
  return composed.map(({ message, ...rest }, part) => ({
    ...rest,
    message: {
      ...message,
      ...place,
      of: { cause, revision: 0, kind: "word", part, parts: composed.length },
    },
  }));
}
