/** Actions on channels and categories, behind the gates `channelInfo` and `channels`. */

import { z } from "zod";
import { type Channel, CHANNEL_KINDS, isForum } from "../../../core/rights/rights.ts";
import type { GuildId } from "../../../core/discord/ids.ts";
import type { DiscordCall } from "../../../core/turn/discord_place.ts";
import {
  type Action,
  defineAction,
  DESTRUCTIVE,
  type Discord,
  FIELDS,
  IN_GUILD,
  inChannel,
  inGuild,
  jsonLines,
  readResponse,
  withId,
} from "./action.ts";
import { channelFields, kindOf } from "./channel_changes.ts";

const { channelId, name, parentId, position, topic, isNsfw } = FIELDS;

const KINDS = ["text", "voice", "announcement", "forum", "stage"] as const;

export const CHANNEL_ACTIONS: readonly Action[] = [
  defineAction({
    name: "channelInfo",
    gate: "channelInfo",
    rights: "none",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject({ channelId: channelId.optional() }),
    run: inChannel([], ({ channel }) => Promise.resolve(JSON.stringify(shown(channel)))),
  }),
  defineAction({
    name: "channelList",
    gate: "channelInfo",
    rights: "none; lists channels that the asker may view",
    isIdempotent: true,
    seenAt: "nowhere",
    reads: "everywhere",
    input: () => z.strictObject(IN_GUILD),
    run: inGuild([], async (place) => {
      const channels = (await place.channels())
        .toSorted((one, other) => one.position - other.position);
      return jsonLines(
        channels.map((channel) => {
          const { id, name, parentId } = channel;
          return { id, name, type: kindOf(channel.type), parentId: parentId || undefined };
        }),
        "There are no channels that may be shown here.",
      );
    }),
  }),
  defineAction({
    name: "channelCreate",
    gate: "channels",
    rights: "Manage Channels, in the category if there is one",
    isIdempotent: false,
    seenAt: "guild",
    undo: "no",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        name,
        type: z.enum(KINDS).optional(),
        parentId: parentId.optional(),
        topic: topic.optional(),
        isNsfw: isNsfw.optional(),
        ...DESTRUCTIVE,
      }),
    run: ({ guildId, type = "text", ...fields }, call, discord) =>
      create(guildId, CHANNEL_KINDS[type], fields, call, discord),
  }),
  defineAction({
    name: "categoryCreate",
    gate: "channels",
    rights: "Manage Channels",
    isIdempotent: false,
    seenAt: "guild",
    undo: "no",
    input: () =>
      z.strictObject({ ...IN_GUILD, name, position: position.optional(), ...DESTRUCTIVE }),
    run: ({ guildId, ...fields }, call, discord) =>
      create(guildId, CHANNEL_KINDS.category, fields, call, discord),
  }),
];

/** Creates a channel. What people write there would be lost by undoing, so that is not offered. */
function create(
  guildId: GuildId | undefined,
  type: number,
  { reason, dryRun = false, ...fields }: Parameters<typeof channelFields>[0] & {
    readonly reason?: string;
    readonly dryRun?: boolean;
  },
  call: DiscordCall,
  discord: Discord,
): Promise<string> {
  const { parentId } = fields;
  const inCategory = parentId !== undefined && parentId !== null;
  const needs = inCategory ? [] : [{ kind: "in_guild", permission: "Manage Channels" } as const];
  return discord.inGuild(call, { guildId, needs }, async (place) => {
    if (inCategory) await place.assertMayIn(parentId, ["Manage Channels"]);
    const what = `create the ${kindOf(type)} channel ${fields.name ?? ""}`;
    return await place.change({ what, dryRun }, async () => {
      const raw = await place.request("POST", `/guilds/${place.guildId}/channels`, {
        body: { ...channelFields(fields, place.clean), type },
        reason,
      });
      const made = readResponse(withId, raw);
      return JSON.stringify({ channelId: made.id });
    });
  });
}

/** The facts of a channel for the model. */
function shown(channel: Channel) {
  const { id, name, topic, parentId, position, isNsfw, slowmodeSec, tags, thread } = channel;
  return {
    channelId: id,
    name,
    type: kindOf(channel.type),
    topic: topic || undefined,
    parentId: parentId || undefined,
    position,
    isNsfw: isNsfw || undefined,
    slowmodeSec: slowmodeSec > 0 ? slowmodeSec : undefined,
    tags: isForum(channel) ? tags.map((tag) => tag.name) : undefined,
    isArchived: thread?.isArchived,
    isLocked: thread?.isLocked,
  };
}
