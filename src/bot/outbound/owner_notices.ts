/**
 * Tells the owners when Discord refuses the bot's messages.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { Parked } from "../../flows/deliver/park.ts";
import type { StartTimer } from "../../lib/clock.ts";
import { notice } from "../../render/notices/notices.ts";
import { createFailureDigest } from "./failure_digest.ts";
import type { Owners } from "./owners.ts";

/** The dependencies of the notices. */
export interface OwnerNoticesPorts {
  /** Sends a notice to the owners. */
  readonly tell: Owners["tell"];
  /** The current config; a reload replaces it (C9). */
  readonly texts: () => Config["texts"];
  /** Timer. */
  readonly schedule: StartTimer;
}

/** Events that the owners are notified about. */
export interface OwnerNotices {
  /** A channel refuses messages for a while. */
  parked(channel: Parked): void;
  /** Discord lets the bot attach no files in a channel; resolves once the outbox has the notice. */
  noFiles(channel: Parked): Promise<void>;
  /** An answer is undeliverable; several of one channel share a notice. */
  dead(channelId: ChannelId, reason: string): void;
  /** A message was set aside, because Discord accepts others in its channel, and not this one. */
  setAside(channelId: ChannelId, reason: string): void;
  /** Sending pauses, because Discord counted too many invalid requests. */
  stopped(invalidRequests: number): void;
  /** Sends the notices that wait for more failures. */
  flush(): void;
}

/** Creates the notices; none is sent before an event. */
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
    noFiles({ channelId, reason }) {
      const words = notice("noFiles", { channel: `<#${channelId}>`, reason }, texts());
      return tell(words, { about: channelId });
    },
    dead: digest.add,
    setAside(channelId, reason) {
      const words = notice("setAside", { channel: `<#${channelId}>`, reason }, texts());
      void tell(words, { about: channelId });
    },
    stopped: (count) => void tell(notice("breaker", { count }, texts())),
    flush: digest.flush,
  };
}
