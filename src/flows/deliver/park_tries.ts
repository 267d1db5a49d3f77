/**
 * Tries parked channels again: soon after a sign that Discord may accept messages there, and all of
 * them every half hour (D5).
 *
 * @module
 */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Outbox } from "../../core/store/outbox.ts";

/** Everything that tries need from outside. */
export interface ParkTriesPorts {
  /** The account whose messages wait. */
  readonly accountId: AccountId;
  /** The store's outbox; each method is one transaction. */
  readonly outbox: Pick<Outbox, "unpark">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Timer for further tries. */
  readonly schedule: StartTimer;
  /** Gets failures of the store. */
  readonly log: Log;
}

/** A channel that refused, until Discord accepts a message there. */
export interface ParkedPlace {
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
  /** Whether the permissions in the place gave the reason, and not only Discord's refusal. */
  readonly isExplained: boolean;
  /** Absent for a direct message channel, and for channels that the last process parked. */
  readonly guildId?: GuildId;
  /** Whether the channel's rows wait; `false` during a try. */
  isClosed: boolean;
  /** Unix time in milliseconds of the newest refusal. */
  refusedAt: number;
  /** Refusals after the first. */
  again: number;
  /** Cancels a scheduled try. */
  cancel?: (() => void) | undefined;
}

/** The tries of one account. */
export interface ParkTries {
  /** Tries a channel again, but not too often for Discord's limit of invalid requests. */
  soon(channelId: ChannelId, place: ParkedPlace): void;
  /**
   * Tries all parked channels within half an hour.
   *
   * @returns Unix time in milliseconds of that try.
   */
  later(): number;
  /** Begins nothing more, and resolves once running transactions have ended. */
  stop(): Promise<void>;
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
export function createParkTries(
  { accountId, outbox, now, schedule, log }: ParkTriesPorts,
  places: ReadonlyMap<ChannelId, ParkedPlace>,
  onOpened: (channels: readonly ChannelId[]) => void,
): ParkTries {
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
    soon,
    later,
    async stop() {
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
