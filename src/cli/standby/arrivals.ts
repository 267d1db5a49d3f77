/**
 * Takes events of hooks for all partitions, and gives each to the partition of its place (O16).
 *
 * An event is a row of PostgreSQL before its sender gets an answer, whichever process it reached. The
 * owner of the partition stores the event under the same id, and empties the row only after a confirmed
 * commit. So a crash at any point loses no event, and a repetition stores none twice.
 */

import {
  type AccountId,
  type ChannelId,
  type GuildId,
  snowflakeAt,
} from "../../core/discord/ids.ts";
import { partitionOf } from "../../core/discord/partition.ts";
import type { NewHookEvent, StoredHookEvent } from "../../core/hooks/hook.ts";
import type { Store } from "../../core/store/store.ts";
import type { Log } from "../../lib/log.ts";
import type { Arrivals } from "../../store/replica/arrivals.ts";

/** Milliseconds until a channel is looked up again that Discord did not tell about. */
const RETRY_MS = 5_000;

/** Everything that the events need. */
export interface EventRouterPorts {
  readonly rows: Arrivals;
  /** Number of partitions of the bot. */
  readonly count: number;
  /**
   * The guild of a channel; `undefined` for a channel that the bot does not see, or of direct messages.
   * Rejects if Discord does not answer now, or if the account does not run.
   */
  readonly guildOf: (accountId: AccountId, channelId: ChannelId) => Promise<GuildId | undefined>;
  /** A partition has new rows: its owner is to look. */
  readonly wake: () => void;
  readonly elapsed: () => number;
  readonly now: () => number;
  readonly log: Log;
}

/** Creates it. */
export function createEventRouter(
  { rows, count, guildOf, wake, elapsed, now, log }: EventRouterPorts,
) {
  /** A channel stays in its guild. */
  const known = new Map<ChannelId, number>();
  let placing: Promise<void> | undefined;
  let notBefore = -Infinity;

  async function place(): Promise<void> {
    for (const channel of await rows.unplaced()) {
      const guildId = await guildOf(channel.accountId, channel.channelId);
      const partition = partitionOf(guildId, { count });
      // Partition 0 refuses it with the reason; perhaps the bot sees the channel later.
      if (guildId !== undefined) known.set(channel.channelId, partition);
      await rows.place(channel, partition);
    }
    wake();
  }

  /** Finds the partitions of events that wait without one. */
  function placeAll(): void {
    if (elapsed() < notBefore) return;
    placing ??= place().catch((error: unknown) => {
      notBefore = elapsed() + RETRY_MS;
      log.debug("Cannot find the places of hooks", { error });
    }).finally(() => placing = undefined);
  }

  return {
    /**
     * Stores an event for the partition of its place.
     *
     * @param channelId Absent: direct messages.
     * @param number Random, of 22 bits.
     * @returns `undefined` if too many events of the hook wait.
     */
    async accept(
      event: NewHookEvent,
      channelId: ChannelId | undefined,
      number: number,
    ): Promise<StoredHookEvent | undefined> {
      const receivedAt = now();
      const arrived = {
        ...event,
        messageId: snowflakeAt<"message">(receivedAt, number),
        receivedAt,
      };
      const partition = channelId === undefined ? 0 : known.get(channelId);
      const stored = await rows.accept({ event: arrived, channelId, partition });
      if (!stored || stored.isRepeated) return stored;
      if (partition === undefined) placeAll();
      else wake();
      return stored;
    },
    placeAll,
    /**
     * Stores the waiting events of a partition that this process owns.
     *
     * @returns Whether there were some.
     */
    async take(index: number, { hooks }: Pick<Store, "hooks">): Promise<boolean> {
      let isAny = false;
      for (;;) {
        const waiting = await rows.waiting(index);
        const ids = waiting.length === 0 ? [] : await hooks.receive(waiting);
        if (ids.length === 0) return isAny;
        isAny = true;
        await rows.stored(ids);
      }
    },
    /** Resolves once no channel is looked up. */
    idle: (): Promise<void> => placing ?? Promise.resolve(),
  };
}

/** Events of hooks for all partitions. */
export type EventRouter = ReturnType<typeof createEventRouter>;
