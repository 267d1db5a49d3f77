/**
 * Names the session that a message belongs to: by a key, and for people.
 *
 * The key decides which users share a memory. So one place makes it, and from ids only: a user
 * could take another's name, and would open their session. Members may rename guilds and channels at
 * any time, so Barnacle matches nothing by the display name, and shows it to no model.
 *
 * Also decides whether a message begins a new transcript of its session (S4a). That decision uses
 * stored times only, so a turn that a crash repeats decides the same.
 */

import type { ChannelId, UserId } from "../core/discord/ids.ts";
import type { GuildPlace, InboundMessage, Named } from "../core/inbound/inbound.ts";
import type { Route } from "../core/inbound/inbox.ts";
import type { ResetCause } from "../core/inbound/mentions.ts";
import { localMinuteOf } from "../lib/clock.ts";

/**
 * `session.dmScope`: which direct messages share a session.
 *
 * - `main`: those of all users.
 * - `per-peer`, `per-channel-peer`: those of one user, on all platforms or at Discord.
 * - `per-account-channel-peer`: those of one user with one of our accounts.
 */
export type DmScope = "main" | "per-peer" | "per-channel-peer" | "per-account-channel-peer";

/**
 * The scope of one user's direct messages.
 *
 * @param configured `auto`: the owner has the main session, and each other user has their own. So no
 * user can learn from the agent what the owner told it.
 */
export function scopeFor(configured: DmScope | "auto", isOwner: boolean): DmScope {
  if (configured !== "auto") return configured;
  return isOwner ? "main" : "per-channel-peer";
}

export type Conversation = Pick<
  InboundMessage,
  "accountId" | "channelId" | "origin" | "place" | "sender"
>;

/**
 * The session of a message (S1).
 *
 * @param agentId Without colons, as in the config.
 * @returns `"agent:main:main"`, `"agent:main:discord:channel:<id>"`,
 * `"agent:main:discord:group:<id>"`, or a key of `dmScope`. A thread has its own id.
 */
export function sessionKeyOf(
  { accountId, channelId, origin, place, sender }: Conversation,
  agentId: string,
  dmScope: DmScope,
): string {
  switch (place.kind) {
    case "dm":
      if (origin?.kind === "own") { // T13a
        return `agent:${agentId}:own:${origin.server}:direct:${sender.id}`;
      }
      return `agent:${agentId}:${directPart(dmScope, accountId, sender.id)}`;
    case "group_dm":
      return `agent:${agentId}:discord:group:${channelId}`;
    case "guild":
      return channelKeyOf(agentId, channelId);
  }
}

/** The session of a guild's channel or thread. */
export function channelKeyOf(agentId: string, channelId: ChannelId): string {
  return `agent:${agentId}:discord:channel:${channelId}`;
}

/** The session of a person's turns that a slash command starts in one place, which shows no other. */
export function slashKeyOf(agentId: string, userId: UserId, channelId: ChannelId): string {
  return `agent:${agentId}:discord:slash:${userId}:${channelId}`;
}

/** The same place of another agent. */
export function routeAs({ sessionKey }: Route, agentId: string): Route {
  return { agentId, sessionKey: sessionKey.replace(/^agent:[^:]*:/, `agent:${agentId}:`) };
}

function directPart(dmScope: DmScope, accountId: string, userId: UserId): string {
  switch (dmScope) {
    case "main":
      return "main";
    case "per-peer":
      return `direct:${userId}`;
    case "per-channel-peer":
      return `discord:direct:${userId}`;
    case "per-account-channel-peer":
      return `discord:${accountId}:direct:${userId}`;
  }
}

/**
 * The display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`; absent if the operator chose none.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`. Letters of every script
 * stay; the id replaces a name without letters.
 */
export function displayNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

/** Differs from the slug that matches the config's keys, which keeps Latin letters only. */
function slugOrId({ id, name }: Named<string>): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id;
}

/** `session.reset`. */
export type ResetRule = "off" | "daily" | { readonly idleMinutes: number };

/** The hour (in the agent's time zone) at which `daily` begins a new day: most people sleep then. */
const DAY_BEGINS_AT_HOUR = 4;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Decides whether a message begins a new transcript.
 *
 * @param lastAt Unix time in milliseconds of the session's last entry; `undefined` if it has none.
 * @param sentAt Unix time in milliseconds of the message. An older message than the last entry, as
 * catch-up finds, begins no transcript.
 * @param timezone IANA time zone of the agent, for `daily`.
 * @returns The cause; `undefined` if the transcript goes on.
 */
export function resetDue(
  rule: ResetRule,
  lastAt: number | undefined,
  sentAt: number,
  timezone: string,
): ResetCause | undefined {
  if (rule === "off" || lastAt === undefined || sentAt <= lastAt) return undefined;
  if (rule === "daily") {
    return dayOf(sentAt, timezone) === dayOf(lastAt, timezone) ? undefined : "daily";
  }
  return sentAt - lastAt >= rule.idleMinutes * MINUTE_MS ? "idle" : undefined;
}

/** The day of a time, which begins late in the night. */
function dayOf(at: number, timezone: string): string {
  return localMinuteOf(Math.floor((at - DAY_BEGINS_AT_HOUR * HOUR_MS) / MINUTE_MS), timezone).day;
}

const BESIDE = ":commands";

/** The session of the commands of a conversation that wait for none of its turns. */
export function besideKeyOf(sessionKey: string): string {
  return sessionKey + BESIDE;
}

export function isBesideKey(sessionKey: string): boolean {
  return sessionKey.endsWith(BESIDE);
}
