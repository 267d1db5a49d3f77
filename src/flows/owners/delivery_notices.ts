/**
 * Tells the owners when Discord refuses the bot's messages: one notice for fifty failures of a
 * channel. And when bots talk among themselves in a channel.
 */

import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { RefusedChannel } from "../../core/account/events.ts";
import type { Account } from "../../core/account/account.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Owners } from "./tell_owners.ts";

/** Creates the notices; none is sent before an event. */
export function createOwnerNotices(
  { schedule }: Pick<Account, "schedule">,
  { tell }: {
    readonly tell: Owners["tell"];
  },
) {
  const tellOf = (channelId: ChannelId, text: string) => tell(text, { about: channelId });
  const digest = createFailureDigest(({ channelId, count, reason }) =>
    void tellOf(
      channelId,
      `Messages that I gave up for <#${channelId}>: ${count}. Last reason: ${shown(reason)}. To ` +
        "see them, run `barnacle outbox`.",
    ), schedule);

  return {
    parked: ({ channelId, reason }: RefusedChannel): void =>
      void tellOf(
        channelId,
        `My messages for <#${channelId}> are waiting: ${shown(reason)}. I'll try again once that ` +
          "has changed.",
      ),
    /** Discord lets the bot attach no files in a channel; resolves once the outbox has the notice. */
    noFiles: ({ channelId, reason }: RefusedChannel): Promise<void> =>
      tellOf(
        channelId,
        `My long answers in <#${channelId}> lack their end: ${
          shown(reason)
        }. I'll send them whole ` +
          "once that has changed.",
      ),
    /** An answer is undeliverable; several of one channel share a notice. */
    dead: digest.add,
    /** A message was set aside, because Discord accepts others in its channel, and not this one. */
    setAside(channelId: ChannelId, reason: string): void {
      void tellOf(
        channelId,
        `I set one message for <#${channelId}> aside, and go on with the next: ${shown(reason)}. ` +
          "To see it, run `barnacle outbox`.",
      );
    },
    /** The bot answers no bot in a channel any more (P11). */
    loopMuted(channelId: ChannelId): void {
      void tellOf(
        channelId,
        `In <#${channelId}> only bots write, so I answer them again only when a person has ` +
          "written, or after some quiet. If one never answers me, as a feed, add its ID to " +
          "`loopGuard.feeds`.",
      );
    },
    /** Sending pauses, because Discord counted too many invalid requests. */
    stopped: (count: number): void =>
      void tell(
        `Discord refused ${count} of my requests within ten minutes, so I paused my requests ` +
          "for a while. To see the current number, run `barnacle status`.",
      ),
    /** Sends the notices that wait for more failures. */
    flush: digest.flush,
  };
}

/** A reason with names as they are written, and times in the zone of each reader. */
function shown(reason: string): string {
  return reason.replace(/[\\*_~`|]/g, "\\$&").replace(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
    (time) => `<t:${Math.floor(Date.parse(time) / 1_000)}:f>`,
  );
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
