/** Actions on members and their roles. */

import { z } from "zod";
import { listOrEmpty, optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";
import type { Need } from "../../../core/rights/rights.ts";
import {
  type Action,
  defineAction,
  DESTRUCTIVE,
  FIELDS,
  IN_GUILD,
  inGuild,
  jsonLines,
  readResponse,
} from "./action.ts";

const { userId, roleId } = FIELDS;

const memberSchema = z.lazy(() =>
  z.object({
    user: z.object({
      id: snowflakeSchema<"user">(),
      username: textOr(""),
      global_name: optional(z.string()),
      bot: optional(z.boolean()),
    }),
    nick: optional(z.string()),
    roles: listOrEmpty(
      snowflakeSchema<"role">().or(
        z.object({ id: snowflakeSchema<"role">() }).transform(({ id }) => id),
      ),
    ),
    joined_at: optional(z.string()),
    communication_disabled_until: optional(z.string()),
  })
);
const voiceSchema = z.lazy(() =>
  z.object({
    channel_id: optional(snowflakeSchema<"channel">()),
    self_mute: optional(z.boolean()),
    self_deaf: optional(z.boolean()),
    mute: optional(z.boolean()),
    deaf: optional(z.boolean()),
  })
);

const MANAGE_ROLES: Need = { kind: "in_guild", permission: "Manage Roles" };

export const MEMBER_ACTIONS: readonly Action[] = [
  defineAction({
    name: "memberInfo",
    gate: "memberInfo",
    rights: "none",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject({ ...IN_GUILD, userId }),
    run: inGuild([], async (place, { userId }) => {
      const raw = await place.request("GET", `/guilds/${place.guildId}/members/${userId}`);
      const { user, nick, roles, joined_at, ...member } = readResponse(memberSchema, raw);
      const { roles: all } = await place.facts();
      return JSON.stringify({
        userId: user.id,
        username: user.username,
        displayName: nick ?? user.global_name ?? user.username,
        isBot: user.bot ? true : undefined,
        roles: all.filter(({ id }) => roles.includes(id)).map(({ id, name }) => ({ id, name })),
        joinedAt: joined_at,
        timedOutUntil: member.communication_disabled_until || undefined,
      });
    }),
  }),
  defineAction({
    name: "roleInfo",
    summary: "all roles, highest first",
    gate: "roleInfo",
    rights: "none",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject(IN_GUILD),
    run: inGuild([], async (place) => {
      const { roles } = await place.facts();
      const sorted = roles.toSorted((one, other) => other.position - one.position);
      return jsonLines(
        sorted.map(({ id, name, position, isManaged }) => ({
          id,
          name,
          position,
          isManaged: isManaged || undefined,
        })),
        "",
      );
    }),
  }),
  roleAction("roleAdd", "PUT"),
  roleAction("roleRemove", "DELETE"),
  defineAction({
    name: "voiceStatus",
    gate: "voiceStatus",
    rights: "View Channel of the voice channel",
    isIdempotent: true,
    seenAt: "nowhere",
    reads: "everywhere",
    input: () => z.strictObject({ ...IN_GUILD, userId }),
    run: inGuild([], async (place, { userId }) => {
      await place.member(userId);
      const path = `/guilds/${place.guildId}/voice-states/${userId}`;
      const state = readResponse(voiceSchema, await place.request("GET", path));
      const channel = (await place.channels()).find(({ id }) => id === state.channel_id);
      if (!channel) throw new Error("that member is in no voice channel");
      return JSON.stringify({
        channelId: channel.id,
        channel: channel.name,
        isMuted: state.mute || state.self_mute,
        isDeaf: state.deaf || state.self_deaf,
      });
    }),
  }),
];

function roleAction(name: "roleAdd" | "roleRemove", method: "PUT" | "DELETE"): Action {
  const isAdding = method === "PUT";
  return defineAction({
    name,
    gate: "roles",
    rights: "Manage Roles, and a highest role above that role",
    isIdempotent: true,
    seenAt: "guild",
    undo: "yes",
    input: () => z.strictObject({ ...IN_GUILD, userId, roleId, ...DESTRUCTIVE }),
    run: ({ guildId, userId, roleId, reason, dryRun = false }, call, discord) => {
      const needs = [MANAGE_ROLES, { kind: "above_role", roleId }] as const;
      return discord.inGuild(call, { guildId, needs }, async (place) => {
        const { roles: had } = await place.member(userId);
        if (had.includes(roleId) === isAdding) {
          return `Nothing to do: the member ${isAdding ? "has that role" : "lacks that role"}.`;
        }
        const role = (await place.facts()).roles.find(({ id }) => id === roleId);
        const who = await place.labelOf(userId);
        const path = `/guilds/${place.guildId}/members/${userId}/roles/${roleId}`;
        return await place.change({
          what: `${isAdding ? "give" : "take"} the role ${role?.name ?? roleId} ${
            isAdding ? "to" : "from"
          } ${who}`,
          dryRun,
          undo: {
            does: isAdding ? "takes the role away" : "gives the role back",
            needs: ["Manage Roles"],
            opens: !isAdding,
            role: roleId,
            requests: [{ method: isAdding ? "DELETE" : "PUT", path }],
          },
        }, async () => {
          await place.request(method, path, { reason });
          return isAdding ? "Given." : "Taken.";
        });
      });
    },
  });
}
