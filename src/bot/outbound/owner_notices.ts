/**
 * Tells the owners when Discord does not take the bot's messages.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { Parked } from "../../flows/deliver/park.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { notice } from "../../render/notices.ts";
import { createFailureDigest } from "./failure_digest.ts";
import type { Owners } from "./owners.ts";

export interface OwnerNoticesPorts {
  readonly tell: Owners["tell"];
  /** As of now: the config may be read again (C9). */
  readonly texts: () => Config["texts"];
  readonly schedule: Schedule;
}

export interface OwnerNotices {
  /** A channel takes no messages for a while. */
  parked(channel: Parked): void;
  /** An answer is given up; several of one channel make one notice. */
  dead(channelId: ChannelId, reason: string): void;
  /** So many requests were invalid that nothing is asked of Discord for a while. */
  stopped(invalidRequests: number): void;
  /** Tells at once what waits for company. */
  flush(): void;
}

export function createOwnerNotices({ tell, texts, schedule }: OwnerNoticesPorts): OwnerNotices {
  const digest = createFailureDigest(({ channelId, count, reason }) => {
    const words = notice("dead", { channel: `<#${channelId}>`, count, reason }, texts());
    void tell(words, { about: channelId });
  }, schedule);

  return {
    parked({ channelId, reason }) {
      const words = notice("parked", { channel: `<#${channelId}>`, reason }, texts());
      void tell(words, { about: channelId });
    },
    dead: digest.add,
    stopped: (count) => void tell(notice("breaker", { count }, texts())),
    flush: digest.flush,
  };
}
