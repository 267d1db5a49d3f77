/**
 * Channels that take nothing from us, until somebody changes that.
 *
 * What waits there is not asked for again and again: each refusal is one of
 * Discord's invalid requests, and ten thousand of them lock out an address. The
 * reason is told once. A channel is tried again when permissions change, when
 * somebody there is answered anew, every half hour, and at the next start (D5).
 *
 * @module
 */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** What is told of a channel, once. */
export interface Parked {
  readonly channelId: ChannelId;
  /** Absent of a direct channel. */
  readonly guildId?: GuildId;
  /** For people: what is missing, by name. */
  readonly reason: string;
}

export interface ParkPorts {
  readonly accountId: AccountId;
  readonly outbox: {
    /**
     * Holds back what waits for a channel, all of which fails from then on.
     *
     * @returns Whether that is to be told.
     */
    park(
      accountId: AccountId,
      channelId: ChannelId,
      parked: { readonly reason: string; readonly now: number },
    ): Promise<boolean>;
    unpark(accountId: AccountId, channels: readonly ChannelId[] | "all"): Promise<number>;
    parked(
      accountId: AccountId,
    ): Promise<readonly { readonly channelId: ChannelId; readonly reason: string }[]>;
  };
  /** Says which permission is missing, and by what, where anything but Discord's code tells. */
  readonly explain: (row: OutboxRow, code: number | undefined) => Promise<string | undefined>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
  readonly onParked: (parked: Parked) => void;
}

/** Discord's no. */
interface Refused {
  readonly reason: string;
  readonly code?: number;
}

export interface Parking {
  /** Opens what the last process has left closed; may be asked again after it failed. */
  open(): Promise<void>;
  /**
   * Closes a channel.
   *
   * @param row Was refused there.
   * @param refusal Discord's own words, for want of better ones, and its code.
   * @param askedAt Unix time in milliseconds at which it was asked for.
   */
  close(row: OutboxRow, refusal: Refused, askedAt: number): Promise<void>;
  /** Discord took something there: the next refusal is news. */
  delivered(channelId: ChannelId): void;
  /** Somebody there is answered. */
  heardFrom(channelId: ChannelId): void;
  /** Roles, overwrites, channels or our own member changed. */
  permissionsChanged(guildId: GuildId): void;
  /** Begins nothing more, and resolves once what is under way has ended. */
  stop(): Promise<void>;
}

/** Time between two looks at all that is parked, in milliseconds. */
const LOOK_EVERY_MS = 30 * 60_000;

/** Least time between refusals that something brought about, from the second on: it doubles. */
const SPACING_MS = 5_000;
const MAX_SPACING_MS = 300_000;

interface Place {
  readonly reason: string;
  readonly guildId?: GuildId;
  isClosed: boolean;
  refusedAt: number;
  /** Refusals after the first. */
  again: number;
  /** Of a try that waits for its time. */
  cancel?: (() => void) | undefined;
}

/** @param onOpened What waits in these channels may be tried. */
export function createParking(
  ports: ParkPorts,
  onOpened: (channels: readonly ChannelId[]) => void,
): Parking {
  const { accountId, outbox, now, schedule, log } = ports;
  const places = new Map<ChannelId, Place>();
  /** When a guild's permissions changed last: a refusal may be older than that. */
  const changedAt = new Map<GuildId, number>();
  const underWay = new Set<Promise<void>>();
  let callOffLook: (() => void) | undefined;
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
        lookLater();
      },
    ).finally(() => underWay.delete(opening));
    underWay.add(opening);
  }

  /** Tries a channel again, but not more often than is good for us. */
  function reopenSoon(channelId: ChannelId, place: Place): void {
    if (!place.isClosed || place.cancel || isStopping) return;
    const spacing = place.again === 0
      ? 0
      : Math.min(MAX_SPACING_MS, SPACING_MS * 2 ** (place.again - 1));
    const waitMs = Math.min(spacing, place.refusedAt + spacing - now()); // a clock may go back
    if (waitMs <= 0) return reopen([channelId]);
    place.cancel = schedule(() => reopen([channelId]), waitMs);
  }

  function lookLater(): void {
    if (isStopping) return;
    callOffLook ??= schedule(() => {
      callOffLook = undefined;
      reopen([...places].filter(([, { isClosed }]) => isClosed).map(([channelId]) => channelId));
    }, LOOK_EVERY_MS);
  }

  function hasChanged(guildId: GuildId | undefined, since: number): boolean {
    return guildId !== undefined && (changedAt.get(guildId) ?? -Infinity) >= since;
  }

  async function wordsFor(row: OutboxRow, { reason, code }: Refused): Promise<string> {
    try {
      return await ports.explain(row, code) ?? reason;
    } catch (error) { // Discord's own words will do
      log.debug("Cannot find out which permission is missing", { error });
      return reason;
    }
  }

  return {
    async open() {
      for (const { channelId, reason } of await outbox.parked(accountId)) {
        places.set(channelId, { reason, isClosed: false, refusedAt: -Infinity, again: 0 });
      }
      if (places.size > 0) await outbox.unpark(accountId, "all");
    },
    async close(row, refusal, askedAt) {
      const { channelId, guildId } = row.message;
      const before = places.get(channelId);
      before?.cancel?.();
      // What is missing may be another thing once something has changed.
      const words = before && !hasChanged(guildId, before.refusedAt)
        ? before.reason
        : await wordsFor(row, refusal);
      const inGuild = guildId === undefined ? {} : { guildId };
      const refusedAt = now();
      const again = before ? before.again + 1 : 0;
      const place: Place = { ...inGuild, reason: words, isClosed: true, refusedAt, again };
      const parked = { reason: words, now: refusedAt };
      const isNews = await outbox.park(accountId, channelId, parked).finally(() => {
        places.set(channelId, place); // whatever the disk says of it: it may be closed
        lookLater();
      });
      if (isNews) {
        const said = "Discord does not let the bot post in a channel; what goes there waits";
        log.error(said, { channelId, ...inGuild, reason: words });
        ports.onParked({ channelId, ...inGuild, reason: words });
      }
      if (hasChanged(guildId, askedAt)) reopenSoon(channelId, place);
    },
    delivered(channelId) {
      const place = places.get(channelId);
      if (!place) return;
      place.cancel?.();
      places.delete(channelId);
      log.info("Discord lets the bot post in a channel again", { channelId });
    },
    heardFrom(channelId) {
      const place = places.get(channelId);
      if (place) reopenSoon(channelId, place);
    },
    permissionsChanged(guildId) {
      changedAt.set(guildId, now());
      for (const [channelId, place] of places) {
        if (place.guildId === guildId) reopenSoon(channelId, place);
      }
    },
    async stop() {
      isStopping = true;
      callOffLook?.();
      for (const { cancel } of places.values()) cancel?.();
      await Promise.all(underWay);
    },
  };
}
