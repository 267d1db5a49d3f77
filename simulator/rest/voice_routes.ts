/** The routes of the simulated REST API about members in voice channels. */

import type { Hono } from "hono";
import { z } from "zod";
import type { UserId } from "../../src/core/discord/ids.ts";
import { change, enter, leave, toVoiceState, voiceChannel } from "../voice/states.ts";
import { channelPermissions, PERMISSION } from "../world/permissions.ts";
import { REFUSALS, type Refused } from "../world/refusals.ts";
import type { Guild, VoiceState, World, WorldEvent } from "../world/world.ts";
import { answerMalformed, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { inGuild } from "./guild_permission.ts";

interface Deps {
  readonly world: World;
  self(c: Asked): UserId;
  publish(events: readonly WorldEvent[]): void;
}

/** The fields of a member's change that are about voice. */
export const VOICE_OF_MEMBER = {
  channel_id: z.string().nullish(),
  mute: z.boolean().nullish(),
  deaf: z.boolean().nullish(),
};
const OWN = z.strictObject({
  channel_id: z.string().nullish(),
  suppress: z.boolean().nullish(),
  request_to_speak_timestamp: z.iso.datetime({ offset: true }).nullish(),
});

type VoiceOfMember = z.infer<z.ZodObject<typeof VOICE_OF_MEMBER>>;

/** The permissions that a change needs. */
export function neededForVoice({ channel_id, mute, deaf }: VoiceOfMember): bigint {
  return (channel_id === undefined ? 0n : PERMISSION.moveMembers) |
    (typeof mute === "boolean" ? PERMISSION.muteMembers : 0n) |
    (typeof deaf === "boolean" ? PERMISSION.deafenMembers : 0n);
}

/** Moves, mutes or disconnects a member. */
export function moderateVoice(
  world: World,
  guild: Guild,
  userId: UserId,
  { channel_id: to, mute, deaf }: VoiceOfMember,
): readonly WorldEvent[] | Refused {
  const state = guild.things.voice.get(userId);
  if (to === undefined && typeof mute !== "boolean" && typeof deaf !== "boolean") return [];
  if (!state) return REFUSALS.notInVoice;
  const channel = to ? voiceChannel(world, to) : undefined;
  if (to && channel?.guildId !== guild.id) return REFUSALS.unknownChannel;
  return [
    ...(typeof mute === "boolean" ? change(guild, userId, { mute }) : []),
    ...(typeof deaf === "boolean" ? change(guild, userId, { deaf }) : []),
    ...(to === null ? leave(guild, userId) : channel ? enter(world, guild, channel, state) : []),
  ];
}

export function addVoiceRoutes(app: Hono<Env>, { world, self, publish }: Deps): void {
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
