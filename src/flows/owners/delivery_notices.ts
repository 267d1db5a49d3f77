/**
 * Tells the owners when Discord refuses the bot's messages: one notice for fifty failures of a
 * channel. And when bots talk among themselves in a channel.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { RefusedChannel } from "../../core/account/events.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Account } from "../../core/account/account.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Owners } from "./tell_owners.ts";

/** Creates the notices; none is sent before an event. */
export function createOwnerNotices(
  { texts, schedule }: Pick<Account, "schedule" | "texts">,
  { tell }: {
    readonly tell: Owners["tell"];
  },
) {
  /** Shows names as they are written, and times in the zone of each reader. */
  const tellOf = (
    key: "parked" | "noFiles" | "dead" | "setAside",
    { channelId, reason, ...more }: RefusedChannel & { readonly count?: number },
  ) => {
    const shown = reason.replace(/[\\*_~`|]/g, "\\$&")
      .replace(
        /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
        (time) => `<t:${Math.floor(Date.parse(time) / 1_000)}:f>`,
      );
    const words = notice(key, { ...more, channel: `<#${channelId}>`, reason: shown }, texts());
    return tell(words, { about: channelId });
  };
  const digest = createFailureDigest((failures) => void tellOf("dead", failures), schedule);

  return {
    parked: (refused: RefusedChannel): void => void tellOf("parked", refused),
    /** Discord lets the bot attach no files in a channel; resolves once the outbox has the notice. */
    noFiles: (refused: RefusedChannel): Promise<void> => tellOf("noFiles", refused),
    /** An answer is undeliverable; several of one channel share a notice. */
    dead: digest.add,
    /** A message was set aside, because Discord accepts others in its channel, and not this one. */
    setAside(channelId: ChannelId, reason: string): void {
      void tellOf("setAside", { channelId, reason });
    },
    /** The bot answers no bot in a channel any more (P11). */
    loopMuted(channelId: ChannelId): void {
      void tell(notice("loop", { channel: `<#${channelId}>` }, texts()), { about: channelId });
    },
    /** Sending pauses, because Discord counted too many invalid requests. */
    stopped: (count: number): void => void tell(notice("breaker", { count }, texts())),
    /** Sends the notices that wait for more failures. */
    flush: digest.flush,
  };
}

/** A place that takes no files. */
interface FilelessPlace {
  readonly channelId: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
}

const PERMISSION_MISSING = "the permission Attach Files is missing";

export function createFileNotices(
  { log }: Pick<Account, "log">,
  { wasTold, noteTold, explain, tell }: {
    /** Whether the owners got this notice about the channel within the last day. */
    readonly wasTold: (channelId: ChannelId) => Promise<boolean>;
    readonly noteTold: (channelId: ChannelId) => Promise<void>;
    /** Names the missing permission; `undefined` if none is missing. Rejects without an answer. */
    readonly explain: (place: FilelessPlace) => Promise<string | undefined>;
    /** Sends the notice; never rejects. */
    readonly tell: (channel: RefusedChannel) => Promise<void>;
  },
) {
  const underWay = new Set<ChannelId>();

  async function tellOnce(
    { channelId, guildId }: FilelessPlace,
    reasonOf: () => Promise<string>,
  ): Promise<void> {
    if (underWay.has(channelId)) return;
    underWay.add(channelId);
    try {
      if (await wasTold(channelId)) return;
      const channel = { channelId, guildId: guildId || undefined, reason: await reasonOf() };
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
    /** An answer was sent without its files, because the settings of the guild forbid files there. */
    leftOut: (place: FilelessPlace): void =>
      void tellOnce(place, async () => await explain(place).catch(() => {}) ?? PERMISSION_MISSING),
    /** Discord has refused a file, for the given reason. */
    refused: (channel: RefusedChannel): void =>
      void tellOnce(channel, () => Promise.resolve(channel.reason)),
  };
}

/** The failures of one channel since its last notice. */
export interface ChannelFailures<Reason = string> {
  readonly channelId: ChannelId;
  readonly count: number;
  readonly reason: Reason;
}

/** How long to wait for more failures, in milliseconds. */
const GATHER_MS = 5_000;

export function createFailureDigest<Reason = string>(
  tell: (failure: ChannelFailures<Reason>) => void,
  schedule: StartTimer,
): {
  add(channelId: ChannelId, reason: Reason): void;
  flush(): void;
} {
  const gathered = new Map<ChannelId, ChannelFailures<Reason>>();
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const failures = [...gathered.values()];
    gathered.clear();
    for (const failure of failures) tell(failure);
  }

  return {
    add(channelId, reason) {
      const count = (gathered.get(channelId)?.count ?? 0) + 1;
      gathered.set(channelId, { channelId, count, reason });
      cancel ??= schedule(flush, GATHER_MS);
    },
    flush,
  };
}
