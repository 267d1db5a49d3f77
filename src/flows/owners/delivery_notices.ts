/**
 * Tells the owners when Discord refuses the bot's messages: one notice for fifty failures of a
 * channel. And when bots talk among themselves in a channel.
 */

import type { BotAccount } from "../../account/account.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import { createExplainDenial } from "../../discord/rest/permissions/denial.ts";
import { type RefusedChannel, tellOwners } from "./tell_owners.ts";

/** Messages of a channel wait, because Discord does not let the bot post there. */
export function tellParked(account: BotAccount, { channelId, reason }: RefusedChannel): void {
  void tellOwners(
    account,
    `My messages for <#${channelId}> are waiting: ${shown(reason)}. I'll try again once that has ` +
      "changed.",
    { about: channelId },
  );
}

/** Messages are lost, or held, and no person who waited for them could be told. */
export function tellLost(
  account: BotAccount,
  { channelId, count, reason, key }: RefusedChannel & {
    readonly count: number;
    readonly key: string;
  },
): Promise<void> {
  return tellOwners(
    account,
    `Messages that I gave up for <#${channelId}>: ${count}. Last reason: ${shown(reason)}. To ` +
      "see them, run `barnacle outbox`.",
    { about: channelId, key },
  );
}

/** The bot answers no bot in a channel any more (P11). */
export function tellLoopMuted(account: BotAccount, channelId: ChannelId): void {
  void tellOwners(
    account,
    `In <#${channelId}> only bots write, so I answer them again only when a person has written, or ` +
      "after some quiet. If one never answers me, as a feed, add its ID to `loopGuard.feeds`.",
    { about: channelId },
  );
}

/** Sending pauses, because Discord counted too many invalid requests. */
export function tellStopped(account: BotAccount, count: number): void {
  void tellOwners(
    account,
    `Discord refused ${count} of my requests within ten minutes, so I paused my requests for a ` +
      "while. To see the current number, run `barnacle status`.",
  );
}

/** A place that takes no files. */
type FilelessPlace = Omit<RefusedChannel, "reason">;

const PERMISSION_MISSING = "the permission Attach Files is missing";

/** An answer was sent without its files, because the settings of the guild forbid files there (R12a). */
export function filesLeftOut(account: BotAccount, place: FilelessPlace): void {
  void explainNoFiles(account, place).catch(() => undefined).then((reason = PERMISSION_MISSING) =>
    filesRefused(account, { ...place, reason })
  );
}

/** Discord has refused a file, for the given reason (R12a). */
export function filesRefused(account: BotAccount, { channelId, ...place }: RefusedChannel): void {
  account.log.warn("Discord does not let the bot attach files in a channel", {
    channelId,
    ...place,
  });
  void tellOwners(
    account,
    `My long answers in <#${channelId}> lack their end: ${shown(place.reason)}. I'll send them ` +
      "whole once that has changed.",
    { about: channelId, key: `files:${channelId}`, isDaily: true },
  );
}

/** Names the missing permission; `undefined` if none is missing. Rejects without an answer. */
async function explainNoFiles(
  { rest, self, now }: BotAccount,
  { channelId, guildId }: FilelessPlace,
): Promise<string | undefined> {
  const userId = self()?.userId;
  if (userId === undefined) return undefined;
  const place = guildId ? { channelId, guildId, userId } : { channelId, userId };
  return (await createExplainDenial(rest, now)(place, ["Attach Files"]))?.text;
}

/** A reason with names as they are written, and times in the zone of each reader. */
function shown(reason: string): string {
  return reason.replace(/[\\*_~`|]/g, "\\$&").replace(
    /\d{4}-\d\d-\d\dT[\d:.]+Z/g,
    (time) => `<t:${Math.floor(Date.parse(time) / 1_000)}:f>`,
  );
}
