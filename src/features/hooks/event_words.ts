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
import type { Target } from "../../core/outbound/outbound.ts";
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
  const { policy, reader, rest, store } = account;
  const { hook = "" } = all[0] ?? {};
  const events = hook.startsWith("on:forum_post:") ? await untakenOf(store, all) : all;
  const newest = events.at(-1);
  if (!newest) return { unneeded: "its post has an answer as a message" };
  const words = { events, text: "", of: [] };
  const source = sourceOf(newest);
  if (!source || !isEntry(hook)) return words;
  const { guildId, channelId, parentId, messageId } = source;
  if (!await mayTell(account, source, place, placeOfHook(rules))) {
    const who = parentId ? "who may not read its channel" : "who are not in its server";
    return { unneeded: `${pathOfHook(hook)}.post has readers ${who}` };
  }
  if (hook.startsWith("on:member_join:")) return await newcomersOf(rest, guildId, events);
  if (!channelId || !parentId) return words;
  // The config may have changed since the event.
  const there = placeOfTarget(guildId, { channelId, parentId }, reader.index.get(guildId));
  if (hook.startsWith("on:event_started") || !policy().mayAct(there)) return words;
  const path = `/channels/${channelId}/messages${messageId ? `/${messageId}` : "?limit=50"}`;
  const found = await rest.request("GET", path).catch(noneIfRefused) ?? [];
  const messages = [found].flat().toReversed().map((body) => (path: string) =>
    valuesAt(path, { body, text: "", header: () => undefined })
  );
  const lines = messages.map((at) =>
    `${at("author.username")}: ${withoutSpoilers(at("content").join())}`
  );
  return {
    events,
    text: bounded(`\n\nmessages, oldest first:\n${lines.join("\n")}`, CHARS_MAX),
    of: messages.flatMap((at) => [...at("id"), ...at("author.id")]),
  };
}

/** Where an event happened: in a channel, or in its thread; without one, in the whole server. */
function sourceOf({ senderId = "" }: HookEvent) {
  const [channel = "", messageId, guild = "", parent = ""] = senderId.split("/");
  const channelId = parseSnowflake<"channel">(channel);
  const guildId = parseSnowflake<"guild">(guild);
  const parentId = parseSnowflake<"channel">(parent) ?? channelId;
  return guildId && { guildId, channelId, parentId, messageId };
}

/** Posts whose first message has no turn: both have one id. */
async function untakenOf({ hooks }: BotAccount["store"], all: readonly HookEvent[]) {
  const left = await Promise.all(all.map(async (event) => {
    const first = parseSnowflake<"message">(sourceOf(event)?.channelId ?? "");
    return first && await hooks.isTaken(first) ? [] : [event];
  }));
  return left.flat();
}

/** Whether everyone who reads the answer may read where the event happened. */
async function mayTell(
  { now, rest }: BotAccount,
  { guildId, parentId }: NonNullable<ReturnType<typeof sourceOf>>,
  place: Place,
  to: Target,
): Promise<boolean> {
  const isIn = place.kind === "guild" && place.guild.id === guildId;
  if (isIn && (!parentId || place.channel.id === parentId)) return true;
  const reads = createGuildReads(rest, guildId);
  const only = to.kind === "user" ? { reader: to.userId } : {};
  if (!parentId) {
    return only.reader !== undefined &&
      await reads.member(only.reader).catch(noneIfRefused) !== undefined;
  }
  const source = (await reads.channels().catch(noneIfRefused))?.get(parentId);
  return source !== undefined && await createReaders(reads, { now })({ place, ...only }, source);
}

/** The newcomers who are still there: an answer greets no one who has left. */
async function newcomersOf(
  client: RestApi,
  guildId: GuildId,
  all: readonly HookEvent[],
): Promise<EventWords | Unneeded> {
  const there = await Promise.all(all.map(async (event) => {
    const userId = parseSnowflake<"user">(event.sources?.[0] ?? "");
    const member = userId && await readMember(client, guildId, userId).catch(noneIfRefused);
    return userId && member ? [{ event, userId }] : [];
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
