/** Actions against members, behind the gate `moderation`; the bot's presence, and `undo`. */

import { z } from "zod";
import type { GuildId, UserId } from "../../../core/discord/ids.ts";
import type { Permission } from "../../../core/rights/rights.ts";
import type { DiscordCall } from "../../../core/turn/discord_place.ts";
import type { OpenedGuild } from "../../../flows/actions/place.ts";
import {
  type Action,
  defineAction,
  DESTRUCTIVE,
  type Discord,
  FIELDS,
  IN_GUILD,
  inGuild,
  jsonLines,
  readResponse,
} from "./action.ts";
import { ACTIVITY_KINDS, STATUSES } from "../../../core/discord/gateway.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { userId } = FIELDS;
const target = { ...IN_GUILD, userId };
const MINUTE_MS = 60_000;
const DAY_SEC = 86_400;
const BANS = { kind: "in_guild", permission: "Ban Members" } as const;

/** Discord's longest timeout: 28 days. */
const MAX_TIMEOUT_MIN = 40_320;

/** The end of a timeout in Unix milliseconds; `undefined` if it ends now. */
function endOf(
  { minutes, until }: { readonly minutes?: number; readonly until?: string },
  now: number,
): number | undefined {
  if ((minutes === undefined) === (until === undefined)) {
    throw badArguments("give `minutes` or `until`");
  }
  if (minutes === 0) return undefined;
  const end = until === undefined ? now + (minutes ?? 0) * MINUTE_MS : Date.parse(until);
  if (end <= now) throw badArguments("`until` is over already; `minutes: 0` ends a timeout");
  if (end > now + MAX_TIMEOUT_MIN * MINUTE_MS) {
    throw badArguments("Discord takes a timeout of at most 28 days");
  }
  return end;
}

export const MODERATION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "timeout",
    summary: "minutes or until; 0 minutes end it",
    gate: "moderation",
    rights: "Timeout Members, and a higher role than the member",
    isIdempotent: false,
    seenAt: "guild", // a second run would begin a new time
    undo: "yes",
    input: () =>
      z.strictObject({
        ...target,
        minutes: z.int().min(0).max(MAX_TIMEOUT_MIN).optional(),
        until: z.iso.datetime({ offset: true }).optional(),
        ...DESTRUCTIVE,
      }),
    run: ({ guildId, userId, reason, dryRun = false, ...given }, call, discord) =>
      against("Timeout Members", { guildId, userId }, call, discord, async (place, member) => {
        const end = endOf(given, place.nowMs);
        const who = await place.labelOf(userId);
        const path = `/guilds/${place.guildId}/members/${userId}`;
        const until = (ms: number | undefined) => ({
          communicationDisabledUntil: ms === undefined ? null : new Date(ms).toISOString(),
        });
        const before = member.timedOutUntil;
        const wasOut = before !== undefined && before > place.nowMs;
        return await place.change({
          what: end === undefined
            ? `end the timeout of ${who}`
            : `time ${who} out until ${new Date(end).toISOString()}`,
          dryRun,
          undo: {
            does: wasOut ? "sets the earlier timeout again" : "ends the timeout",
            needs: ["Timeout Members"],
            overUser: userId,
            left: { path, fields: until(end) },
            requests: [{ method: "PATCH", path, body: until(wasOut ? before : undefined) }],
          },
        }, async () => {
          await place.request("PATCH", path, { body: until(end), reason });
          return end === undefined ? "The timeout is over." : "Timed out.";
        });
      }, given.minutes === 0 ? "outranks" : "can_time_out"),
  }),
  defineAction({
    name: "kick",
    gate: "moderation",
    rights: "Kick Members, and a higher role than the member",
    isIdempotent: true,
    seenAt: "guild",
    undo: "no",
    input: () => z.strictObject({ ...target, ...DESTRUCTIVE }),
    run: ({ guildId, userId, reason, dryRun = false }, call, discord) =>
      against("Kick Members", { guildId, userId }, call, discord, async (place) => {
        const path = `/guilds/${place.guildId}/members/${userId}`;
        const what = `kick ${await place.labelOf(userId)}`;
        return await place.change({ what, dryRun, asks: true }, async () => {
          await place.request("DELETE", path, { reason });
          return "Kicked.";
        });
      }),
  }),
  defineAction({
    name: "ban",
    gate: "moderation",
    rights: "Ban Members, and a higher role than the member",
    isIdempotent: true,
    seenAt: "guild",
    summary: "also of one who has left",
    undo: "partly",
    input: () =>
      z.strictObject({
        ...target,
        deleteDays: z.int().min(0).max(7).describe("Days of messages to delete.").optional(),
        ...DESTRUCTIVE,
      }),
    run: ({ guildId, userId, deleteDays = 0, reason, dryRun = false }, call, discord) =>
      discord.inGuild(call, { guildId, needs: [BANS] }, async (place) => {
        const member = await place.memberIfAny(userId); // a ban keeps one out who has left, too
        if (member) await assertOutranks(place, member, "outranks");
        const who = await place.labelOf(userId);
        if (await place.isBanned(userId)) return `Nothing to do: ${who} is banned already.`;
        const path = `/guilds/${place.guildId}/bans/${userId}`;
        const days = deleteDays === 1 ? "one day" : `${deleteDays} days`;
        return await place.change({
          what: `ban ${who}${deleteDays === 0 ? "" : ` and delete their messages of ${days}`}${
            member ? "" : ", who is not a member now"
          }`,
          dryRun,
          asks: true,
          undo: {
            does: "lifts the ban; the person must join again, and deleted messages stay deleted",
            needs: ["Ban Members"],
            requests: [{ method: "DELETE", path }],
          },
        }, async () => {
          await place.request("PUT", path, {
            body: { deleteMessageSeconds: deleteDays * DAY_SEC },
            reason,
          });
          return "Banned.";
        });
      }),
  }),
  defineAction({
    name: "unban",
    gate: "moderation",
    rights: "Ban Members",
    isIdempotent: true,
    seenAt: "guild",
    undo: "yes",
    input: () => z.strictObject({ ...target, ...DESTRUCTIVE }),
    run: ({ guildId, userId, reason, dryRun = false }, call, discord) =>
      discord.inGuild(call, { guildId, needs: [BANS] }, async (place) => {
        await place.assertBotMay([BANS]);
        const who = await place.labelOf(userId);
        if (!await place.isBanned(userId)) return `Nothing to do: ${who} is not banned.`;
        const path = `/guilds/${place.guildId}/bans/${userId}`;
        return await place.change({
          what: `lift the ban of ${who}`,
          dryRun,
          undo: {
            does: "bans the person again",
            needs: ["Ban Members"],
            requests: [{ method: "PUT", path, body: { deleteMessageSeconds: 0 } }],
          },
        }, async () => {
          await place.request("DELETE", path, { reason });
          return "The ban is lifted.";
        });
      }),
  }),
  defineAction({
    name: "banList",
    gate: "moderation",
    rights: "Ban Members",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        limit: FIELDS.limit.optional(),
        afterUserId: userId.optional(),
      }),
    run: inGuild([BANS], async (place, { limit = 100, afterUserId }) => {
      const raw = await place.request("GET", `/guilds/${place.guildId}/bans`, {
        query: { limit, after: afterUserId },
      });
      const bans = readResponse(bansSchema, raw);
      return jsonLines(
        bans.map(({ user: { id, username }, reason }) => ({
          userId: id,
          username,
          reason: reason || undefined,
        })),
        "No one is banned.",
      );
    }),
  }),
];

const bansSchema = z.lazy(() =>
  z.array(z.object({
    user: z.object({ id: z.string(), username: z.string() }),
    reason: z.string().nullish(),
  }))
);

/** Checks that the asker and the bot stand above a member. */
async function assertOutranks(
  place: OpenedGuild,
  member: Awaited<ReturnType<OpenedGuild["member"]>>,
  kind: "outranks" | "can_time_out",
): Promise<void> {
  const above = { kind, member } as const;
  await place.assertMay([above]);
  await place.assertBotMay([above]);
}

/** Acts against a member whom the asker and the bot outrank. */
function against(
  permission: Permission,
  { guildId, userId }: { readonly guildId: GuildId | undefined; readonly userId: UserId },
  call: DiscordCall,
  discord: Discord,
  act: (
    place: OpenedGuild,
    member: Awaited<ReturnType<OpenedGuild["member"]>>,
  ) => Promise<string>,
  kind: "outranks" | "can_time_out" = "outranks",
): Promise<string> {
  const needs = [{ kind: "in_guild", permission }] as const;
  return discord.inGuild(call, { guildId, needs }, async (place) => {
    const member = await place.member(userId);
    await assertOutranks(place, member, kind);
    return await act(place, member);
  });
}

export const OTHER_ACTIONS: readonly Action[] = [
  defineAction({
    name: "setPresence",
    gate: "presence",
    rights: "owners of the bot only",
    isIdempotent: true,
    seenAt: () => ({ kind: "everyone" }),
    input: () =>
      z.strictObject({
        status: z.enum(STATUSES).optional(),
        activityType: z.enum(ACTIVITY_KINDS).optional(),
        activityName: z.string().max(128).optional(),
        activityUrl: z.url({ protocol: /^https$/ }).max(256).optional(),
      }),
    async run({ status, activityType = "playing", activityName, activityUrl: url }, call, discord) {
      if (activityName === undefined && status === undefined) {
        throw badArguments("give `status` or `activityName`");
      }
      await discord.setPresence(call, {
        status,
        activity: activityName !== undefined
          ? activityName === ""
            ? null
            : { type: activityType, name: activityName, url: url || undefined }
          : undefined,
      });
      return "Set. It stays until it is set again, or the config changes it.";
    },
  }),
  defineAction({
    name: "undo",
    summary: "a change of the last 10 minutes",
    rights: "the person who asked for the change, or an owner of the bot; with its rights",
    isIdempotent: true,
    seenAt: "guild",
    input: () => z.strictObject({ id: z.int().min(1).optional() }),
    async run({ id }, call, discord) {
      const { what, does, id: undone } = await discord.undoOne(call, id);
      return `Undone (${undone}): ${what}. This ${does}.`;
    },
  }),
];
