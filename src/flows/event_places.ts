/** Finds the place of events of hooks, and whether the bot may write there (W3). */

import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import { placeIn, placeOfTarget } from "../discord/gateway/decode/decode.ts";
import {
  createExplainDenial,
  findChannel,
  neededToPost,
  openDirect,
} from "../discord/rest/requests/guild_reads.ts";
import { isRefusal } from "../discord/rest/exchange/exchange.ts";
import type { ChannelId, GuildId } from "../core/discord/ids.ts";
import { type AnswerRules, placeOfHook } from "../core/hooks/hook.ts";
import { isForum } from "../core/rights/rights.ts";
import { printable } from "../lib/text/quoted.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";

export type HookPlace =
  | {
    readonly kind: "place";
    readonly channelId: ChannelId;
    readonly guildId: GuildId | undefined;
    readonly place: InboundMessage["place"];
  }
  /** The bot may not write there; `reason` is for the operator. */
  | { readonly kind: "refused"; readonly reason: string };

/** Milliseconds for which the bot's permissions in a place are known. */
const PLACE_KEPT_MS = 10 * 60_000;

const known = perAccount(
  "events",
  () => new Map<ChannelId, { readonly place: HookPlace; readonly at: number }>(),
);

/**
 * Finds the place that the rules of an event name.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function placeOfEvents(
  account: BotAccount,
  rules: { readonly to: AnswerRules["to"] },
): Promise<HookPlace> {
  const to = placeOfHook(rules);
  if (to.kind === "channel") return await channelPlace(account, to.channelId);
  try {
    const channelId = await openDirect(account.rest, to.userId);
    return { kind: "place", channelId, guildId: undefined, place: { kind: "dm" } };
  } catch (error) {
    if (isRefusal(error)) return refused(error.message);
    throw error;
  }
}

async function channelPlace(account: BotAccount, channelId: ChannelId): Promise<HookPlace> {
  const { rest, reader, self, now } = account;
  const before = known(account).get(channelId);
  if (before && Math.abs(now() - before.at) < PLACE_KEPT_MS) return before.place;
  const guild = [...reader.index.values()].find(({ channels }) => channels.has(channelId));
  const found = guild ? { guildId: guild.id } : await findChannel(rest, channelId);
  if (found === undefined) return refused(`Discord has no channel ${channelId}`);
  if (found === "hidden") return refused(`the bot may not see the channel ${channelId}`);
  const { guildId } = found;
  if (guildId === undefined) {
    return { kind: "place", channelId, guildId, place: { kind: "dm" } };
  }
  const channel = guild?.channels.get(channelId);
  if (channel && isForum(channel)) {
    return refused(
      `#${printable(channel.name)} is a forum: name a text channel, or a post of the forum`,
    );
  }
  const userId = self()?.userId;
  const needed = neededToPost({ hasFiles: false, isQuote: false });
  const denial = userId &&
    await createExplainDenial(rest, now)({ guildId, channelId, userId }, needed);
  if (denial) return refused(denial.text);
  const place = guild ? placeIn(guildId, channelId, guild) : placeOfTarget(guildId, { channelId });
  const result: HookPlace = { kind: "place", channelId, guildId, place };
  known(account).set(channelId, { place: result, at: now() });
  return result;
}

function refused(reason: string): HookPlace {
  return { kind: "refused", reason };
}
