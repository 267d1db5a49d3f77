/** Reads the messages that events of a server are about: the gateway does not tell them (W7). */

import type { BotAccount } from "../../account/account.ts";
import { isRefused } from "../../flows/event_places.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import {
  type Hooked,
  type HookEvent,
  isEntry,
  pathOfHook,
  placeOfHook,
} from "../../core/hooks/hook.ts";
import type { Place } from "../../core/inbound/inbound.ts";
import { placeOfTarget } from "../../discord/gateway/decode/decode.ts";
import { createReaders } from "../../flows/actions/readers.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { createGuildReads, readMember } from "../../discord/rest/requests/guild_reads.ts";
import { valuesAt } from "../../core/hooks/template.ts";
import { bounded, withoutSpoilers } from "../../lib/text/quoted.ts";

const CHARS_MAX = 6_000;

/**
 * @param place Of the answer.
 * @returns Those of the newest event of a run, whose events have one channel, as text for the model,
 * and the ids of the messages and their authors; or why the events need no answer.
 */
export async function wordsOfEvents(
  account: BotAccount,
  all: readonly HookEvent[],
  place: Place,
  rules: { readonly to: string },
): Promise<EventWords | Unneeded> {
  const { now, policy, reader, rest, store } = account;
  const to = placeOfHook(rules);
  const answer = { place, ...(to.kind === "user" && { reader: to.userId }) };
  const { hook = "", senderId = "" } = all.at(-1) ?? {};
  const [channel = "", messageId, guild = "", parent = ""] = senderId.split("/");
  const channelId = parseSnowflake<"channel">(channel);
  const guildId = parseSnowflake<"guild">(guild);
  const parentId = parseSnowflake<"channel">(parent) ?? channelId;
  if (guildId && hook.startsWith("on:member_join:")) return await newcomersOf(rest, guildId, all);
  const words = { events: all, text: "", of: [] };
  if (!channelId || !parentId || !guildId || !isEntry(hook)) return words;
  // A post and its first message have one id, and the message is the newer event.
  const first = parseSnowflake<"message">(channelId);
  if (hook.startsWith("on:forum_post:") && first && await store.hooks.isTaken(first)) {
    return { unneeded: "its post has an answer as a message" };
  }
  if (answer.place.kind !== "guild" || answer.place.channel.id !== parentId) {
    const reads = createGuildReads(rest, guildId);
    const source = (await reads.channels().catch(noneIfRefused))?.get(parentId);
    if (!source || !await createReaders(reads, { now })(answer, source)) {
      return { unneeded: `${pathOfHook(hook)}.post has readers who may not read its channel` };
    }
  }
  // The config may have changed since the event.
  const source = placeOfTarget(guildId, { channelId, parentId }, reader.index.get(guildId));
  if (hook.startsWith("on:event_started") || !policy().mayAct(source)) return words;
  const path = `/channels/${channelId}/messages${messageId ? `/${messageId}` : "?limit=50"}`;
  const found = await rest.request("GET", path).catch(noneIfRefused) ?? [];
  const messages = [found].flat().toReversed().map((body) => (path: string) =>
    valuesAt(path, { body, text: "", header: () => undefined })
  );
  const lines = messages.map((at) =>
    `${at("author.username")}: ${withoutSpoilers(at("content").join())}`
  );
  return {
    events: all,
    text: bounded(`\n\nmessages, oldest first:\n${lines.join("\n")}`, CHARS_MAX),
    of: messages.flatMap((at) => [...at("id"), ...at("author.id")]),
  };
}

/** The newcomers who are still there: an answer greets no one who has left. */
async function newcomersOf(
  client: RestApi,
  guildId: GuildId,
  all: readonly HookEvent[],
): Promise<EventWords | Unneeded> {
  const there = await Promise.all(all.map(async (event) => {
    const userId = parseSnowflake<"user">(event.sources?.[0] ?? "");
    return userId && await readMember(client, guildId, userId) ? [{ event, userId }] : [];
  }));
  const events = there.flat().map(({ event }) => event);
  if (events.length === 0) return { unneeded: "the newcomer has left" };
  return { events, text: "", of: [], greets: there.flat().map(({ userId }) => userId) };
}

/** The events to answer, their words, and the ids of the messages and authors of these. */
export interface EventWords extends Pick<Hooked, "greets"> {
  readonly events: readonly HookEvent[];
  readonly text: string;
  readonly of: readonly string[];
}

/** Why events get no answer. */
export interface Unneeded {
  readonly unneeded: string;
}

const noneIfRefused = (error: unknown) => isRefused(error) ? undefined : Promise.reject(error);
