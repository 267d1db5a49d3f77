/** Finds the place of events of hooks, and whether the bot may write there (W3). */

import type { AccountContext } from "../account_context.ts";
import { placeIn, placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createFindChannel, createOpenDirect } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { neededToPost } from "../../discord/rest/permissions/denial.ts";
import { createExplainDenial } from "../../discord/rest/permissions/explain_denial.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import { type AnswerRules, placeOfHook } from "../../core/hooks/hook.ts";
import { isForum } from "../../core/rights/channel.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";

export type HookPlace =
  | ({ readonly kind: "place" } & Pick<InboundMessage, "channelId" | "guildId" | "place">)
  /** The bot may not write there; `reason` is for the operator. */
  | { readonly kind: "refused"; readonly reason: string };

/** Milliseconds for which the bot's permissions in a place are known. */
const PLACE_KEPT_MS = 10 * 60_000;

/**
 * Creates the look-up.
 *
 * @returns A function that rejects if Discord does not answer.
 */
export function createPlaceOfEvents(
  { now, self }: Pick<AccountContext, "now" | "self">,
  { client, reader }: { readonly client: RestClient; readonly reader: Pick<Reader, "index"> },
): (rules: Pick<AnswerRules, "to">) => Promise<HookPlace> {
  const openDirect = createOpenDirect(client);
  const findChannel = createFindChannel(client);
  const explainDenial = createExplainDenial(client, now);
  const places = new Map<ChannelId, { readonly place: HookPlace; readonly at: number }>();

  async function channelPlace(channelId: ChannelId): Promise<HookPlace> {
    const known = places.get(channelId);
    if (known && Math.abs(now() - known.at) < PLACE_KEPT_MS) return known.place;
    const guild = [...reader.index.values()].find(({ channels }) => channels.has(channelId));
    const found = guild ? { guildId: guild.id } : await findChannel(channelId);
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
    const denial = userId && await explainDenial({ guildId, channelId, userId }, needed);
    if (denial) return refused(denial.text);
    const place = guild
      ? placeIn(guildId, channelId, guild)
      : placeOfTarget(guildId, { channelId });
    const result: HookPlace = { kind: "place", channelId, guildId, place };
    places.set(channelId, { place: result, at: now() });
    return result;
  }

  return async (rules) => {
    const to = placeOfHook(rules);
    if (to.kind === "channel") return await channelPlace(to.channelId);
    try {
      const channelId = await openDirect(to.userId);
      return { kind: "place", channelId, guildId: undefined, place: { kind: "dm" } };
    } catch (error) {
      if (error instanceof RestError && isRefused(error)) return refused(error.message);
      throw error;
    }
  };
}

/** Whether a failure is Discord's final word. */
export function isRefused(error: unknown): boolean {
  return error instanceof RestError && error.code !== undefined &&
    (error.kind === "forbidden" || error.kind === "not_found" || error.kind === "rejected");
}

function refused(reason: string): HookPlace {
  return { kind: "refused", reason };
}
