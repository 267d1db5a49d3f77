/**
 * Parks channels in which Discord accepts nothing from the bot, until a person changes that.
 *
 * Barnacle does not retry their messages again and again. Each refusal is one of Discord's invalid
 * requests, and ten thousand of them ban an address. The owner gets the reason once. Barnacle tries
 * a channel again when permissions change, when it will answer a new message there, every half
 * hour, and at the next start (D5).
 */

import type { BotAccount } from "../../account/account.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import { tellParked } from "../owners/delivery_notices.ts";
import { ownerRefused } from "../owners/tell_owners.ts";
import { updateCards } from "../questions/cards.ts";
import { type Explained, explainRefusal } from "./requests.ts";

/**
 * Creates the parking of one account.
 *
 * @param onOpened Called with channels whose rows may be tried.
 */
export function createParking(
  account: BotAccount,
  onOpened: (channels: readonly ChannelId[]) => void,
) {
  const { accountId, store: { outbox }, now, log } = account;
  const places = new Map<ChannelId, ParkedPlace>();
  /** Unix time in milliseconds of a guild's last change of permissions; a refusal may be older. */
  const changedAt = new Map<GuildId, number>();
  const tries = createParkTries(account, places, onOpened);

  function hasChanged(guildId: GuildId | undefined, since: number): boolean {
    return guildId !== undefined && (changedAt.get(guildId) ?? -Infinity) >= since;
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
        places.set(channelId, { ...place, refusedAt: -Infinity, again: 0 });
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
      const inGuild = guildId === undefined ? {} : { guildId };
      const refusedAt = now();
      const again = before ? before.again + 1 : 0;
      const place: ParkedPlace = {
        ...inGuild,
        reason,
        isExplained: missing !== "unknown",
        isClosed: true,
        refusedAt,
        again,
      };
      const until = { reason, now: refusedAt, nextTryAt: tries.later() };
      const isFirstReport = await outbox.park(accountId, channelId, until).finally(() => {
        places.set(channelId, place); // even if the store fails: Discord refuses there
      });
      if (isFirstReport) {
        const event = "Discord does not let the bot post in a channel; its messages wait";
        log.error(event, { channelId, ...inGuild, reason });
        const parked = { channelId, ...inGuild, reason };
        ownerRefused(account, parked);
        tellParked(account, parked);
      }
      updateCards(account); // those whose cards wait there
      if (hasChanged(guildId, askedAt)) tries.soon(channelId, place);
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
      if (place) tries.soon(channelId, place);
    },
    /** Tells that roles, overwrites, channels or our own member changed in a guild. */
    permissionsChanged(guildId: GuildId): void {
      changedAt.set(guildId, now());
      for (const [channelId, place] of places) {
        if (place.guildId === guildId) tries.soon(channelId, place);
      }
    },
    /** Begins nothing more, and resolves once running transactions have ended. */
    stop: tries.stop,
  };
}

/** A channel that refused, until Discord accepts a message there. */
interface ParkedPlace {
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
  /** Whether the permissions in the place gave the reason, and not only Discord's refusal. */
  readonly isExplained: boolean;
  /** Absent for a direct message channel, and for channels that the last process parked. */
  readonly guildId?: GuildId;
  /** Whether the channel's rows wait; `false` during a try. */
  isClosed: boolean;
  refusedAt: number;
  /** Refusals after the first. */
  again: number;
  /** Cancels a scheduled try. */
  cancel?: (() => void) | undefined;
}

/** Milliseconds between two tries of all parked channels. */
const TRY_EVERY_MS = 30 * 60_000;

/**
 * Minimum milliseconds between tries of a channel after its second refusal; doubles with each
 * further one.
 */
const SPACING_MS = 5_000;
const MAX_SPACING_MS = 300_000;

/**
 * Creates the tries of one account.
 *
 * @param places Channels that refused; tries change them.
 * @param onOpened Called with channels whose rows may be tried.
 */
function createParkTries(
  { accountId, store: { outbox }, now, schedule, log }: BotAccount,
  places: ReadonlyMap<ChannelId, ParkedPlace>,
  onOpened: (channels: readonly ChannelId[]) => void,
) {
  const underWay = new Set<Promise<void>>();
  let tries: { readonly at: number; readonly cancel: () => void } | undefined;
  let isStopping = false;

  function reopen(channels: readonly ChannelId[]): void {
    if (isStopping || channels.length === 0) return;
    for (const channelId of channels) {
      const place = places.get(channelId);
      if (!place) continue;
      place.isClosed = false;
      place.cancel?.();
      place.cancel = undefined;
    }
    const opening: Promise<void> = outbox.unpark(accountId, channels).then(
      () => onOpened(channels),
      (error: unknown) => {
        log.error("Cannot open parked channels; will try again", { error });
        for (const channelId of channels) {
          const place = places.get(channelId);
          if (place) place.isClosed = true;
        }
        later();
      },
    ).finally(() => underWay.delete(opening));
    underWay.add(opening);
  }

  function soon(channelId: ChannelId, place: ParkedPlace): void {
    if (!place.isClosed || place.cancel || isStopping) return;
    const waitMs = waitBeforeTry(place, now());
    if (waitMs <= 0) return reopen([channelId]);
    place.cancel = schedule(() => reopen([channelId]), waitMs);
  }

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
    /** Tries a channel again, but not too often for Discord's limit of invalid requests. */
    soon,
    /**
     * Tries all parked channels within half an hour.
     *
     * @returns Unix time in milliseconds of that try.
     */
    later,
    /** Begins nothing more, and resolves once running transactions have ended. */
    async stop(): Promise<void> {
      isStopping = true;
      tries?.cancel();
      for (const { cancel } of places.values()) cancel?.();
      await Promise.all(underWay);
    },
  };
}

/** Milliseconds until a channel may be tried; 0 or less if it may be tried now. */
function waitBeforeTry({ again, refusedAt }: ParkedPlace, now: number): number {
  const spacing = again === 0 ? 0 : Math.min(MAX_SPACING_MS, SPACING_MS * 2 ** (again - 1));
  return Math.min(spacing, refusedAt + spacing - now); // a clock may go back
}
