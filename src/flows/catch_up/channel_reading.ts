/**
 * Reads one channel of a gap: first the messages that may get an answer, later the rest.
 *
 * If Discord does not show the channel, the log says so, and the channel counts as done.
 *
 * @module
 */

import type { Log } from "../../lib/log.ts";
import { type MissedChannel, nameOf } from "./missed.ts";
import {
  createMissedReading,
  MAX_PAGES,
  type MissedReadingPorts,
  type Tally,
} from "./missed_reading.ts";
import type { Unreadable } from "./unreadable.ts";

/** Everything that reading a channel needs from outside. */
export interface ChannelReadingPorts extends MissedReadingPorts {
  /** Whether an error means that Discord will never show the channel. */
  readonly isRefused: (error: unknown) => boolean;
  /** Gets channels that Discord does not show, and histories that are too long. */
  readonly log: Log;
}

/** The reading of one channel. After a failure, each method may be called again and continues. */
export interface ChannelReading {
  /**
   * Reads the messages that may get an answer.
   *
   * @returns Whether {@link ChannelReading.rest} has something to read.
   * @throws {unknown} Any other failure than a refusal, as a rejection.
   */
  first(): Promise<boolean>;
  /**
   * Records the messages before them.
   *
   * @throws {unknown} Any other failure than a refusal, as a rejection.
   */
  rest(): Promise<void>;
}

/**
 * Prepares the reading of a channel.
 *
 * @param since Unix time in milliseconds at which reading back ends.
 * @param tally Figures to add to.
 */
export function createChannelReading(
  channel: MissedChannel,
  since: number,
  tally: Tally,
  unreadable: Unreadable,
  ports: ChannelReadingPorts,
): ChannelReading {
  const { isRefused, log } = ports;
  const { id: channelId, guildId } = channel;
  const reading = createMissedReading(channel, since, tally, ports);

  function logRefused(error: unknown): void {
    const event = `Discord does not show the missed messages in ${nameOf(channel)}`;
    log.warn(event, { channelId, guildId, error });
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
        if (!await unreadable.check(channel)) logRefused(error);
        return false;
      }
    },
    async rest() {
      try {
        if (await reading.record()) return;
        const event = `Missed more messages in ${nameOf(channel)} than Barnacle records`;
        log.info(event, { channelId, messages: MAX_PAGES * 100 });
      } catch (error) {
        if (!isRefused(error)) throw error;
        logRefused(error);
      }
    },
  };
}
