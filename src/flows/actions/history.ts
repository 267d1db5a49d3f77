/**
 * Reads the history of channels for tools: of channels that the asker may read by Discord's
 * permissions, and that the policy opens. Messages pass the same policy as live ones.
 */

import { compareIds, createdAtMs, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { ProbeEnded } from "../../core/turn/discord_place.ts";
import type {
  DiscordCall,
  EarlierRange,
  RawMessage,
  ShownMessage,
} from "../../core/turn/discord_place.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/messages.ts";
import { showAll } from "../judging/judge.ts";
import { assertMay, callerOf, channelAt, refusal } from "./targets.ts";

/**
 * Reads messages that the policy lets a model see (P10), oldest first.
 *
 * @throws {Error} If the asker may not read them, or if Discord does not answer or refuses; as a
 * rejection. The message tells the model why.
 */
export async function readEarlier(
  call: DiscordCall,
  { channelId, limit, before, sinceMs = 0 }: EarlierRange,
): Promise<readonly ShownMessage[]> {
  const { account: { rest }, message, signal } = call;
  const caller = { ...callerOf(call), alsoGuilds: [] };
  const place = await channelAt(caller, channelId);
  const { channelId: there = message.channelId, guild } = place;
  const isHere = there === message.channelId;
  await assertMay(caller, place, ["Read Message History"]);
  if (call.isProbe) throw new ProbeEnded();
  const shown = { guildId: guild?.id, isGroup: message.place.kind === "group_dm" };
  // Later messages of the turn's own channel belong to other turns.
  let from = !isHere || (before && compareIds(before, message.id) < 0) ? before : message.id;
  const found: ShownMessage[] = [];
  try {
    for (let left = limit; left > 0;) {
      signal.throwIfAborted();
      const size = Math.min(left, MAX_HISTORY);
      const raw = await readHistory(rest, there, { limit: size, before: from });
      found.push(...await showAll(call.account, raw, { ...shown, isElsewhere: !isHere }));
      const oldest = oldestOf(raw);
      if (raw.length < size || !oldest || createdAtMs(oldest) < sinceMs) break;
      from = oldest;
      left -= size;
    }
  } catch (error) {
    throw await refusal(error, caller, place, ["Read Message History"]);
  }
  return found.filter(({ timestampMs }) => timestampMs >= sinceMs)
    .toSorted((one, other) => compareIds(one.id, other.id));
}

function oldestOf(raw: readonly RawMessage[]): MessageId | undefined {
  return raw.flatMap(({ id }) => parseSnowflake<"message">(id) ?? []).toSorted(compareIds)[0];
}
