/**
 * Keeps what holds up deliveries: parked channels, failing rows, and words that the bot owes people
 * who wait (D5).
 *
 * Discord may accept nothing in a channel until a person changes that: it is parked, and Barnacle
 * does not retry their messages again and again. Each refusal is one of Discord's invalid requests,
 * and ten thousand of them ban an address. The owner gets the reason once. Barnacle tries a channel
 * again when permissions change, when it will answer a new message there, every half hour, and at
 * the next start (D5).
 *
 * A message that waits must have a visible reason. So the store gets the reason and the time of the
 * next attempt after each failure. The log gets one line when the fast retries are over, and not
 * one for each attempt.
 *
 * The first open door for a word counts: a fixed text in the place, a direct message, the owners. A
 * word that Discord refuses is such a message itself, and goes to the next door.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakeChannels } from "../../account/per_account.ts";
import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import { failedAgain, type Failures, type MissingHere } from "../../core/outbound/delivery.ts";
import type { Frozen, OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import type { ToolTarget } from "../../core/turn/discord_place.ts";
import { isRefusal } from "../../discord/rest/exchange/rest_error.ts";
import {
  createCanReadHistory,
  createExplainDenial,
  explainCode,
  namesPermission,
  neededToPost,
} from "../../discord/rest/permissions/denial.ts";
import { openDirect, readPlace } from "../../discord/rest/requests/guild_reads.ts";
import { lostText, refusedText } from "../../render/sentences.ts";
import type { Door, OwedRow } from "../../store/outbox/outbox.ts";
import { ownersToTell } from "../owners/owner_ids.ts";
import { ownerRefused, tellLost, tellParked } from "../owners/tell_owners.ts";
import { updateCards } from "../questions/cards.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { composedOnce } from "../unanswered_reactions.ts";
import { ackAnswered } from "./progress.ts";
import { completeCommand } from "./tool_messages.ts";

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
export async function canReadHistory(
  account: BotAccount,
  message: OutboundMessage,
): Promise<boolean> {
  const userId = account.self()?.userId;
  if (userId === undefined) return false;
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

/** Why a row waits, and for how many milliseconds. */
export interface Wait {
  /** Discord's last refusal, or the reason why it could not be reached. */
  readonly reason: string;
  /** Milliseconds until the next attempt. */
  readonly waitMs: number;
}

/** A row that could not be delivered for longer than the fast retries take. */
interface DelayedRow {
  /** Number of the row. */
  readonly row: number;
  readonly channelId: ChannelId;
  /** Why the last attempt failed. */
  readonly reason: string;
  readonly nextAttemptAt: number;
}

interface Failing extends Failures {
  /** Whether Discord has served another request to the channel since the last failure. */
  wasServed: boolean;
  /** Set once the fast retries are over. */
  readonly delayed?: DelayedRow;
}

export function createFailingRows(account: BotAccount) {
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
    delayed: (): readonly DelayedRow[] =>
      [...failing.values()].flatMap(({ delayed }) => delayed ?? []),
  };
}

/**
 * Smallest change that counts, in milliseconds. A smaller one does not matter for waits of a day.
 */
const LEAST_MS = 5 * 60_000;

/** Starts watching the clock of this process. */
export function createClockChanges({ accountId, store: { outbox }, now, steadyNow }: BotAccount) {
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
      if (byMs <= 0 || failingSince === undefined || failingSince > now() - byMs) return row;
      return { ...row, failingSince: failingSince + byMs };
    },
  };
}

export function createRefusedMessages() {
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

/** How long to wait for more lost messages, in milliseconds. */
const GATHER_MS = 5_000;

/** The first door for a message that is lost; `undefined` for one that no one misses. */
export function doorOf(
  { message: { of, guildId }, action }: OutboxRow,
  isOpen: boolean,
): Door | undefined {
  if (of?.kind === "draft" || action.kind === "delete") return undefined;
  if (!of || of.kind === "tool" || of.kind === "challenge") return "owner";
  if (isOpen && of.kind !== "word") return "place";
  return guildId === undefined ? "owner" : "direct";
}

/** Creates the words of one account. */
export function createOwedWords(account: BotAccount) {
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
      if (await tellPerson(account, row)) known.add(row.causeId ?? row);
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
async function tellPerson(account: BotAccount, row: OwedRow): Promise<boolean> {
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
    if (await completeCommand(account, command, command.senderId, text)) return [];
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
export function createParking(
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
        ...{ guildId, reason, isExplained: missing !== "unknown", isClosed: true, refusedAt },
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
