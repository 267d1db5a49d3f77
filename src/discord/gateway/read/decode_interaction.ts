/**
 * A press of a button into ours.
 *
 * What it says of the place and of the person is read as of a message: a press
 * without a guild is a direct one, and is never looked up (P2). Its token
 * answers for us, so no problem and no log names it.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object}
 *
 * @module
 */

import { ChannelTypes, InteractionTypes, MessageComponentTypes } from "@discordeno/types";
import { z } from "zod";
import type { Place, Press } from "../../../core/inbound/inbound.ts";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import { bounded } from "../../../lib/bounded.ts";
import type { DecodeContext, DecodeProblem } from "./decode.ts";
import { userPayload } from "./payloads.ts";
import { placeIn } from "./places.ts";
import { senderOf } from "./senders.ts";

const kindPayload = z.object({
  type: z.number(),
  data: z.object({ component_type: z.number().optional().catch(undefined) }).nullish()
    .catch(undefined),
});

const pressPayload = z.object({
  id: snowflake<"interaction">(),
  application_id: snowflake<"application">(),
  token: z.string().min(1),
  guild_id: snowflake<"guild">().nullish(),
  channel_id: snowflake<"channel">(),
  channel: z.object({ type: z.number().optional(), name: z.string().nullish() })
    .nullish().catch(undefined),
  /** In guilds. */
  member: z.object({ user: userPayload, roles: z.array(snowflake<"role">()) }).nullish(),
  /** Elsewhere. */
  user: userPayload.nullish(),
  message: z.object({ id: snowflake<"message">() }),
  data: z.object({ custom_id: z.string() }),
});
type PressPayload = z.infer<typeof pressPayload>;

const MAX_NAME = 100;

/**
 * Reads the press of an INTERACTION_CREATE.
 *
 * @returns `undefined` for interactions of another kind.
 */
export function decodePress(
  d: unknown,
  context: Pick<DecodeContext, "accountId" | "index">,
): Press | DecodeProblem | undefined {
  const kind = kindPayload.safeParse(d);
  if (!kind.success) return problemOf(kind.error);
  const { type, data } = kind.data;
  const isPress = type === InteractionTypes.MessageComponent &&
    data?.component_type === MessageComponentTypes.Button;
  if (!isPress) return undefined;
  const press = pressPayload.safeParse(d);
  if (!press.success) return problemOf(press.error);
  return toPress(press.data, context);
}

function toPress(
  payload: PressPayload,
  { accountId, index }: Pick<DecodeContext, "accountId" | "index">,
): Press | DecodeProblem {
  const { guild_id, channel_id, member, id, token } = payload;
  // In a guild only what its member says counts: it has the roles.
  const user = guild_id ? member?.user : payload.user;
  if (!user) return { kind: "problem", why: "the sender does not fit" };
  const guild = guild_id ? index.get(guild_id) : undefined;
  return {
    kind: "button",
    accountId,
    id,
    token,
    applicationId: payload.application_id,
    customId: payload.data.custom_id,
    messageId: payload.message.id,
    channelId: channel_id,
    ...(guild_id && { guildId: guild_id }),
    place: guild_id ? placeIn(guild_id, channel_id, guild) : directPlace(payload),
    sender: senderOf(user, {
      roles: guild_id ? member?.roles : [],
      automaton: user.bot || user.system ? "bot" : undefined,
    }, guild),
  };
}

function directPlace({ channel }: PressPayload): Place {
  if (channel?.type !== ChannelTypes.GroupDm) return { kind: "dm" };
  return { kind: "group_dm", ...(channel.name && { name: bounded(channel.name, MAX_NAME) }) };
}

function problemOf({ issues }: z.ZodError): DecodeProblem {
  const where = issues[0]?.path.join(".") ?? "";
  return { kind: "problem", why: `${where || "the interaction"} does not fit` };
}
