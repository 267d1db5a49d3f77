/**
 * Decodes reactions that people add to messages, or remove (H5).
 *
 * Discord describes the person of an added reaction in a guild. In a direct message, and for a
 * removed reaction, it only gives the user's id.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events#message-reaction-add}
 *
 * @module
 */

import { z } from "zod";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import type { Self } from "../../../core/inbound/inbound.ts";
import type { Reaction, ReactionsCleared } from "../../../core/inbound/reactions.ts";
import { bounded } from "../../../lib/text/cut.ts";
import type { DecodeProblem } from "./decode.ts";
import type { GuildIndex } from "./guild_index.ts";
import { type Dispatch, userPayload } from "./payloads.ts";
import { placeIn } from "./places.ts";
import { senderOf } from "./senders.ts";

const emojiPayload = z.object({ id: z.string().nullish(), name: z.string().nullish() });

const reactionPayload = z.object({
  user_id: snowflake<"user">(),
  channel_id: snowflake<"channel">(),
  message_id: snowflake<"message">(),
  guild_id: snowflake<"guild">().nullish(),
  member: z.object({ user: userPayload.optional(), roles: z.array(snowflake<"role">()) }).nullish(),
  emoji: emojiPayload,
  message_author_id: z.string().nullish(),
});

const clearedPayload = z.object({
  message_id: snowflake<"message">(),
  emoji: emojiPayload.nullish(),
});

/** Maximum characters of an emoji's name; Discord allows 32. */
const MAX_EMOJI = 64;

/**
 * Decodes a reaction.
 *
 * @returns `undefined` for the bot's own reactions, and for dispatches of other types.
 */
export function decodeReaction(
  { t, d }: Dispatch,
  { accountId, self, index }: {
    readonly accountId: AccountId;
    readonly self: Self | undefined;
    readonly index: GuildIndex;
  },
): Reaction | ReactionsCleared | DecodeProblem | undefined {
  if (t === "MESSAGE_REACTION_REMOVE_ALL" || t === "MESSAGE_REACTION_REMOVE_EMOJI") {
    return decodeCleared(d);
  }
  const parsed = reactionPayload.safeParse(d);
  if (!parsed.success) return problem(parsed.error);
  const { user_id: userId, guild_id: guildId, member, emoji, ...ids } = parsed.data;
  if (userId === self?.userId) return undefined;
  const user = member?.user?.id === userId ? member.user : { id: userId, username: "" };
  const guild = guildId ? index.get(guildId) : undefined;
  const author = ids.message_author_id;
  return {
    kind: "reaction",
    accountId,
    change: t === "MESSAGE_REACTION_ADD" ? "added" : "removed",
    channelId: ids.channel_id,
    ...(guildId && { guildId }),
    place: guildId ? placeIn(guildId, ids.channel_id, guild) : { kind: "dm" },
    messageId: ids.message_id,
    sender: senderOf(user, {
      roles: member?.roles,
      automaton: user.bot || user.system ? "bot" : undefined,
    }, guild),
    emoji: emojiText(emoji),
    on: !author || !self ? "unknown" : author === self.userId ? "own" : "other",
  };
}

function decodeCleared(d: unknown): ReactionsCleared | DecodeProblem {
  const parsed = clearedPayload.safeParse(d);
  if (!parsed.success) return problem(parsed.error);
  const { message_id: messageId, emoji } = parsed.data;
  return { kind: "reactions_cleared", messageId, ...(emoji && { emoji: emojiText(emoji) }) };
}

/** `"👍"` or `"<:name:id>"`. A deleted emoji of a guild has an id and no name. */
function emojiText({ id, name }: z.infer<typeof emojiPayload>): string {
  const shown = bounded(name ?? "deleted", MAX_EMOJI);
  return id ? `<:${shown}:${bounded(id, MAX_EMOJI)}>` : shown;
}

function problem(error: z.ZodError): DecodeProblem {
  const where = error.issues[0]?.path.join(".") ?? "";
  return { kind: "problem", why: `${where || "the reaction"} does not fit` };
}
