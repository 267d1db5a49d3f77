/**
 * One channel of a gap: what may be answered, then the rest; a channel that Discord does not show
 * is said, and is done.
 *
 * @module
 */

import type { Log } from "../../lib/log.ts";
import { type MissedChannel, nameOf } from "./missed.ts";
import { MAX_PAGES, readMissed, type ReadMissedPorts, type Tally } from "./read_missed.ts";
import type { Unreadable } from "./unreadable.ts";

export interface ReadChannelPorts extends ReadMissedPorts {
  /** Whether Discord will never show it. */
  readonly isRefused: (error: unknown) => boolean;
  readonly log: Log;
}

/** Both may be asked again after they failed, and go on from there. */
export interface ChannelReading {
  /** @returns Whether something is left for {@link ChannelReading.rest}. */
  first(): Promise<boolean>;
  rest(): Promise<void>;
}

/** @param since Unix time in milliseconds. */
export function readChannel(
  channel: MissedChannel,
  since: number,
  tally: Tally,
  unreadable: Unreadable,
  ports: ReadChannelPorts,
): ChannelReading {
  const { isRefused, log } = ports;
  const { id: channelId, guildId } = channel;
  const reading = readMissed(channel, since, tally, ports);

  function sayRefused(error: unknown): void {
    const said = `Discord does not show what was said in ${nameOf(channel)} while nobody listened`;
    log.warn(said, { channelId, guildId, error });
  }

  return {
    async first() {
      if (unreadable.has(channel)) return false;
      try {
        const outcome = await reading.answer();
        if (outcome === "empty" && await unreadable.check(channel)) return false;
        unreadable.clear(channelId);
        return outcome === "more";
      } catch (error) {
        if (!isRefused(error)) throw error;
        if (!await unreadable.check(channel)) sayRefused(error);
        return false;
      }
    },
    async rest() {
      try {
        if (await reading.record()) return;
        const said = `More was said in ${nameOf(channel)} before than is kept on record`;
        log.info(said, { channelId, messages: MAX_PAGES * 100 });
      } catch (error) {
        if (!isRefused(error)) throw error;
        sayRefused(error);
      }
    },
  };
}
