/**
 * Reports once that an account is online, with the bot's name and its guilds, and each time that Discord
 * is reachable again.
 *
 * Discord sends the guilds one by one after READY. So the report waits until no further guild has
 * arrived for a moment.
 */

import type { GuildIndex } from "../decode/guild_index.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import type { ShardState } from "../../../core/discord/gateway.ts";
import type { StartTimer } from "../../../lib/clock.ts";

/** Milliseconds without a further guild. */
const QUIET_MS = 500;

export function createOnlineReport(
  { reader, schedule, stopping, onOnline }: {
    readonly schedule: StartTimer;
    /** The account's own user and its guilds, as the gateway told them. */
    readonly reader: { readonly self?: Self | undefined; readonly index: GuildIndex };
    /** Aborted when the account stops. */
    readonly stopping: AbortSignal;
    readonly onOnline: (bot: Self, guilds: readonly string[]) => void;
  },
) {
  let isReady = false;
  let isDone = false;
  let cancel = () => {};
  stopping.addEventListener("abort", () => cancel(), { once: true });

  function report(): void {
    const { self: bot } = reader;
    if (!bot) return; // READY is not read yet
    isDone = true;
    onOnline(bot, Array.from(reader.index.values(), ({ name }) => name));
  }

  function wait(): void {
    if (!isReady || isDone || stopping.aborted) return;
    cancel();
    cancel = schedule(report, QUIET_MS);
  }

  return {
    ready(): void {
      isReady = true;
      wait();
    },
    /** The bot's identity or its guilds have changed. */
    changed: wait,
  };
}

/**
 * Creates the detector.
 *
 * @param onReachable Called when a shard becomes ready, and not while it stays ready.
 */
export function createReachability(
  onReachable: () => void,
): (shardId: number, state: Pick<ShardState, "state">) => void {
  const ready = new Set<number>();
  return (shardId, { state }) => {
    if (state !== "ready") ready.delete(shardId);
    else if (!ready.has(shardId)) {
      ready.add(shardId);
      onReachable();
    }
  };
}
