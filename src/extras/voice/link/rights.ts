/** Checks before a join what Discord would refuse without a word. */

import type { UserId } from "../../../core/discord/ids.ts";
import type { VoiceMember } from "../../../core/discord/voice.ts";
import { CHANNEL_KINDS } from "../../../core/rights/channel.ts";
import { missingRight } from "../../../core/rights/rights.ts";
import type { RestClient } from "../../../discord/rest/client/client.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import { channelOf, createGuildReads } from "../../../discord/rest/requests/guild_reads.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { CallPlace, VoiceEnd } from "../line/call.ts";

/** Finds why the bot cannot talk in a channel; `undefined`: it can, or Discord does not answer. */
export async function whyNoCall(
  client: RestClient,
  { guildId, channelId }: CallPlace,
  self: UserId,
  members: readonly VoiceMember[],
  now: number,
): Promise<VoiceEnd | undefined> {
  try {
    const raw = await client.request("GET", `/channels/${channelId}`);
    const channel = channelOf(raw);
    if (!channel) return undefined;
    const reads = createGuildReads(client, guildId);
    const [guild, member] = [await reads.facts(), await reads.member(self)];
    const place = { overwrites: channel.overwrites, isVoice: true };
    const lacks = (permission: "Connect" | "Speak" | "Send Messages" | "Move Members") =>
      missingRight(guild, member, place, ["View Channel", permission], now) !== undefined;
    if (lacks("Connect")) return "no_connect";
    if (channel.type !== CHANNEL_KINDS.stage && lacks("Speak")) return "no_speak";
    if (lacks("Send Messages")) return "no_card";
    const limit = Number(isRecord(raw) && raw["user_limit"]) || 0;
    const others = members.filter((one) => one.channelId === channelId && one.userId !== self);
    return limit > 0 && others.length >= limit && lacks("Move Members") ? "full" : undefined;
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    if (error.kind === "forbidden") return "no_connect";
    return error.kind === "not_found" ? "channel_deleted" : undefined;
  }
}
