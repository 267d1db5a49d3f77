/**
 * Tells the owners once that the bot may not attach files in a channel (R12a).
 *
 * The store keeps the time of the notice, so that a restart causes no second one.
 *
 * @module
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Parked } from "../../flows/deliver/park.ts";
import type { Log } from "../../lib/log.ts";

/** The dependencies of the notices. */
export interface FileNoticesPorts {
  /** Whether the owners got this notice about the channel within the last day. */
  readonly wasTold: (channelId: ChannelId) => Promise<boolean>;
  /** Stores that the owners have got the notice. */
  readonly noteTold: (channelId: ChannelId) => Promise<void>;
  /** Names the missing permission; `undefined` if none is missing. Rejects without an answer. */
  readonly explain: (place: FilelessPlace) => Promise<string | undefined>;
  /** Sends the notice; never rejects. */
  readonly tell: (channel: Parked) => Promise<void>;
  /** Gets warnings and failures. */
  readonly log: Log;
}

/** A place that takes no files. */
export interface FilelessPlace {
  /** The channel. */
  readonly channelId: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
}

/** Sends the notices of one account. Its methods return at once and never throw. */
export interface FileNotices {
  /** An answer was sent without its files, because the settings of the guild forbid files there. */
  leftOut(place: FilelessPlace): void;
  /** Discord has refused a file, for the given reason. */
  refused(channel: Parked): void;
}

const PERMISSION_MISSING = "the permission Attach Files is missing";

/** Creates the notices of one account. */
export function createFileNotices(
  { wasTold, noteTold, explain, tell, log }: FileNoticesPorts,
): FileNotices {
  const underWay = new Set<ChannelId>();

  async function tellOnce(
    { channelId, guildId }: FilelessPlace,
    reasonOf: () => Promise<string>,
  ): Promise<void> {
    if (underWay.has(channelId)) return;
    underWay.add(channelId);
    try {
      if (await wasTold(channelId)) return;
      const channel = { channelId, ...(guildId && { guildId }), reason: await reasonOf() };
      log.warn("Discord does not let the bot attach files in a channel", channel);
      await tell(channel);
      await noteTold(channelId);
    } catch (error) {
      log.warn("Cannot tell the owner that a channel takes no files", { channelId, error });
    } finally {
      underWay.delete(channelId);
    }
  }

  return {
    leftOut: (place) =>
      void tellOnce(place, async () => await explain(place).catch(() => {}) ?? PERMISSION_MISSING),
    refused: (channel) => void tellOnce(channel, () => Promise.resolve(channel.reason)),
  };
}
