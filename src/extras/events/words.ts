/** Reads the messages that events of a server are about: the gateway does not tell them (W7). */

import { isRefused } from "../../flows/event_places.ts";
import { type GuildId, parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { type HookEvent, isEntry } from "../../core/hooks/hook.ts";
import type { Place } from "../../core/inbound/inbound.ts";
import type { placeOfTarget } from "../../discord/gateway/decode/places.ts";
import { createReaders } from "../../discord/rest/actions/readers.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { createGuildReads } from "../../discord/rest/requests/guild_reads.ts";
import { valuesAt } from "../../core/hooks/template.ts";
import type { Clock } from "../../lib/clock.ts";
import { bounded } from "../../lib/text/cut.ts";
import { withoutSpoilers } from "../../lib/text/quoted.ts";

const CHARS_MAX = 6_000;

/**
 * @param mayAct Whether the config lets the bot act there now: it may have changed since the event.
 * @returns Those of the newest event of a run, whose events have one channel, as text for the model,
 * and the ids of the messages and their authors; `undefined` if the answer has readers who may not read it.
 */
export async function wordsOfEvents(
  client: RestApi,
  events: readonly HookEvent[],
  mayAct: (guildId: GuildId, target: Parameters<typeof placeOfTarget>[1]) => boolean,
  { now, ...answer }: Clock & { readonly place: Place; readonly reader?: UserId },
): Promise<EventWords | undefined> {
  const { hook = "", senderId = "" } = events.at(-1) ?? {};
  const [channel = "", messageId, guild = "", parent = ""] = senderId.split("/");
  const channelId = parseSnowflake<"channel">(channel);
  const guildId = parseSnowflake<"guild">(guild);
  const parentId = parseSnowflake<"channel">(parent) ?? channelId;
  if (!channelId || !parentId || !guildId || !isEntry(hook)) return NO_WORDS;
  if (answer.place.kind !== "guild" || answer.place.channel.id !== parentId) {
    const reads = createGuildReads(client, guildId);
    const source = (await reads.channels().catch(noneIfRefused))?.get(parentId);
    if (!source || !await createReaders(reads, { now })(answer, source)) return undefined;
  }
  if (hook.startsWith("on:event_started") || !mayAct(guildId, { channelId, parentId })) {
    return NO_WORDS;
  }
  const path = `/channels/${channelId}/messages${messageId ? `/${messageId}` : "?limit=50"}`;
  const found = await client.request("GET", path).catch(noneIfRefused) ?? [];
  const messages = [found].flat().toReversed().map((body) => (path: string) =>
    valuesAt(path, { body, text: "", header: () => undefined })
  );
  const lines = messages.map((at) =>
    `${at("author.username")}: ${withoutSpoilers(at("content").join())}`
  );
  return {
    text: bounded(`\n\nmessages, oldest first:\n${lines.join("\n")}`, CHARS_MAX),
    of: messages.flatMap((at) => [...at("id"), ...at("author.id")]),
  };
}

/** Words, and the ids of their messages and authors. */
export interface EventWords {
  readonly text: string;
  readonly of: readonly string[];
}

const NO_WORDS: EventWords = { text: "", of: [] };

const noneIfRefused = (error: unknown) => isRefused(error) ? undefined : Promise.reject(error);
