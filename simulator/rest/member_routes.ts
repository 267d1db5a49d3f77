/**
 * The routes of the simulated REST API that change members: roles, timeouts, kicks, bans, voice.
 */

import type { Hono } from "hono";
import { z } from "zod";
import { parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { changeRoles, changeTimeout, leaveGuild } from "../actions/changes.ts";
import { toVoiceState } from "../payloads/guild.ts";
import { toMember, toUser } from "../payloads/payloads.ts";
import { openChannel } from "../world/access.ts";
import { channelPermissions, PERMISSION } from "../world/permissions.ts";
import { REFUSALS } from "../world/refusals.ts";
import { change, voiceChannel } from "../world/voice_states.ts";
import type { Guild, Member, VoiceState, World, WorldEvent } from "../world/world.ts";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { inGuild, memberOf, outranks } from "./guild_permission.ts";

interface Deps {
  readonly world: World;
  self(c: Asked): UserId;
  publish(events: readonly WorldEvent[]): void;
}

const OWN = z.strictObject({
  channel_id: z.string().nullish(),
  suppress: z.boolean().nullish(),
  request_to_speak_timestamp: z.iso.datetime({ offset: true }).nullish(),
});

const TIMEOUT = z.strictObject({
  communication_disabled_until: z.iso.datetime({ offset: true }).nullable(),
});
const BAN = z.strictObject({ delete_message_seconds: z.int().min(0).max(604_800).nullish() });

export function addMemberRoutes(app: Hono<Env>, { world, self, publish }: Deps): void {
  /** Acts on a lower member, if the bot has a permission. */
  const onMember = (
    c: Asked,
    bit: bigint,
    act: (guild: Guild, member: Member) => Response,
    needsRank = true,
  ) =>
    inGuild(world, c.req.param("guild"), self(c), bit, (guild) => {
      const member = memberOf(guild, c.req.param("user"));
      if ("status" in member) return answerRefused(member);
      if (needsRank && !outranks(guild, self(c), member)) {
        return answerRefused(REFUSALS.missingPermissions);
      }
      return act(guild, member);
    });
  const userOf = (c: Asked) => {
    const id = parseSnowflake<"user">(c.req.param("user") ?? "");
    return id && world.users.get(id);
  };
  const done = () => new Response(null, { status: 204 });

  for (const method of ["PUT", "DELETE"]) {
    app.on(
      method,
      "/guilds/:guild/members/:user/roles/:role",
      (c) =>
        onMember(c, PERMISSION.manageRoles, (guild, member) => {
          const id = parseSnowflake<"role">(c.req.param("role"));
          if (!id || !guild.roles.has(id)) return answerRefused(REFUSALS.unknownRole);
          if (!outranks(guild, self(c), { ...member, userId: self(c), roles: [id] })) {
            return answerRefused(REFUSALS.missingPermissions);
          }
          const others = member.roles.filter((role) => role !== id);
          publish([changeRoles(guild, member.userId, method === "PUT" ? [...others, id] : others)]);
          return done();
        }, false),
    );
  }
  app.patch(
    "/guilds/:guild/members/:user",
    (c) =>
      onMember(c, PERMISSION.moderateMembers, (guild, member) => {
        const parsed = TIMEOUT.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const until = parsed.data.communication_disabled_until;
        const at = until === null ? undefined : Date.parse(until);
        publish([changeTimeout(guild, member.userId, at)]);
        return Response.json(toMember(world, guild.members.get(member.userId) ?? member));
      }),
  );
  app.delete(
    "/guilds/:guild/members/:user",
    (c) =>
      onMember(c, PERMISSION.kickMembers, (guild, member) => {
        publish([leaveGuild(guild, member.userId)]);
        return done();
      }),
  );
  app.put(
    "/guilds/:guild/bans/:user",
    (c) =>
      inGuild(world, c.req.param("guild"), self(c), PERMISSION.banMembers, (guild) => {
        const user = userOf(c);
        if (!user) return answerRefused(REFUSALS.unknownUser);
        const member = guild.members.get(user.id);
        if (member && !outranks(guild, self(c), member)) {
          return answerRefused(REFUSALS.missingPermissions);
        }
        const parsed = BAN.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        if (member) publish([leaveGuild(guild, user.id)]);
        guild.things.bans.add(user.id);
        return done();
      }),
  );
  app.get(
    "/guilds/:guild/bans",
    (c) =>
      inGuild(
        world,
        c.req.param("guild"),
        self(c),
        PERMISSION.banMembers,
        (guild) =>
          c.json([...guild.things.bans].flatMap((id) => {
            const user = world.users.get(id);
            return user ? [{ user: toUser(user), reason: null }] : [];
          })),
      ),
  );
  app.get(
    "/guilds/:guild/bans/:user",
    (c) =>
      inGuild(world, c.req.param("guild"), self(c), PERMISSION.banMembers, (guild) => {
        const user = userOf(c);
        return user && guild.things.bans.has(user.id)
          ? c.json({ user: toUser(user), reason: null })
          : answerRefused(REFUSALS.unknownBan);
      }),
  );
  app.delete(
    "/guilds/:guild/bans/:user",
    (c) =>
      inGuild(world, c.req.param("guild"), self(c), PERMISSION.banMembers, (guild) => {
        const id = parseSnowflake<"user">(c.req.param("user"));
        return id && guild.things.bans.delete(id) ? done() : answerRefused(REFUSALS.unknownBan);
      }),
  );
  app.get("/channels/:channel/thread-members/:user", (c) => {
    const access = openChannel(world, c.req.param("channel"), self(c), "view");
    if (access.kind === "refused") return answerRefused(access.refused);
    const id = parseSnowflake<"user">(c.req.param("user"));
    const { channel } = access;
    if (channel.kind !== "thread" || !id || !channel.members.has(id)) {
      return answerRefused(REFUSALS.unknownMember);
    }
    return c.json({
      id: channel.id,
      user_id: id,
      join_timestamp: "2026-01-01T00:00:00Z",
      flags: 0,
    });
  });

  addVoiceRoutes(app, { world, self, publish });
}

function addVoiceRoutes(app: Hono<Env>, { world, self, publish }: Deps): void {
  const onState = (c: Asked, act: (guild: Guild, state: VoiceState) => Response) =>
    inGuild(world, c.req.param("guild"), self(c), 0n, (guild) => {
      const named = c.req.param("user");
      const id = named === "@me" ? self(c) : named;
      const state = [...guild.things.voice.values()].find(({ userId }) => userId === id);
      return state ? act(guild, state) : answerRefused(REFUSALS.unknownVoiceState);
    });
  app.get(
    "/guilds/:guild/voice-states/:user",
    (c) => onState(c, (guild, state) => Response.json(toVoiceState(guild.id, state))),
  );
  app.patch(
    "/guilds/:guild/voice-states/:user",
    (c) =>
      onState(c, (guild, { userId, channelId }) => {
        const parsed = OWN.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const { channel_id, suppress, request_to_speak_timestamp: asked } = parsed.data;
        const channel = voiceChannel(world, channelId);
        if (channel?.kind !== "stage" || (channel_id && channel_id !== channelId)) {
          return answerRefused(REFUSALS.wrongChannelType);
        }
        const bits = channelPermissions(world, channel, self(c));
        const isOwn = userId === self(c);
        const needed = (suppress === false || !isOwn ? PERMISSION.muteMembers : 0n) |
          (asked ? PERMISSION.requestToSpeak : 0n);
        if ((bits & needed) !== needed) return answerRefused(REFUSALS.missingPermissions);
        publish(change(guild, userId, {
          ...(typeof suppress === "boolean" && { suppress }),
          ...(asked !== undefined && { requestedAt: asked ? Date.parse(asked) : undefined }),
        }));
        return new Response(null, { status: 204 });
      }),
  );
}
