/** Reads the messages that events of a server are about: the gateway does not tell them (W7). */

import { isRefused } from "../../bot/outbound/event_places.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import { type HookEvent, isEntry } from "../../core/hooks/hook.ts";
import type { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { valuesAt } from "../../core/hooks/template.ts";
import { bounded } from "../../lib/text/cut.ts";
import { withoutSpoilers } from "../../lib/text/quoted.ts";

const CHARS_MAX = 6_000;

/**
 * @param mayAct Whether the config lets the bot act there now: it may have changed since the event.
 * @returns Those of the newest event of a run, as text for the model.
 */
export async function wordsOfEvents(
  client: RestApi,
  events: readonly HookEvent[],
  mayAct: (guildId: GuildId, target: Parameters<typeof placeOfTarget>[1]) => boolean,
): Promise<string> {
  const { hook = "", senderId = "" } = events.at(-1) ?? {};
  const [channel = "", messageId, guild = "", parent = ""] = senderId.split("/");
  const channelId = parseSnowflake<"channel">(channel);
  const guildId = parseSnowflake<"guild">(guild);
  if (!channelId || !guildId || !isEntry(hook) || hook.startsWith("on:event_started")) return "";
  if (!mayAct(guildId, { channelId, parentId: parseSnowflake<"channel">(parent) })) return "";
  const path = `/channels/${channelId}/messages${messageId ? `/${messageId}` : "?limit=50"}`;
  const answer = await client.request("GET", path)
    .catch((error: unknown) => isRefused(error) ? [] : Promise.reject(error));
  const lines = [answer].flat().toReversed().map((body) => {
    const at = (path: string) => valuesAt(path, { body, text: "", header: () => undefined });
    return `${at("author.username")}: ${withoutSpoilers(at("content").join())}`;
  });
  return bounded(`\n\nmessages, oldest first:\n${lines.join("\n")}`, CHARS_MAX);
}
