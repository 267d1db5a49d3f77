/** Actions on reactions, and on emojis and stickers of a server. */

import { z } from "zod";
import {
  listed,
  listOrEmpty,
  optional,
  snowflakeSchema,
  textOr,
} from "../../../core/discord/lenient.ts";
import {
  type Action,
  AT,
  defineAction,
  FIELDS,
  IN_GUILD,
  inChannel,
  inGuild,
  jsonLines,
  postMessage,
  readResponse,
  withId,
} from "./action.ts";
import { emojiInPath, reactionEmoji } from "../../../core/inbound/inbound.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { channelId, mediaUrl, description, roleId, text } = FIELDS;

/** Discord's limits in bytes. */
const MAX_EMOJI_BYTES = 256 * 1024;
const MAX_STICKER_BYTES = 512 * 1024;

const stickersSchema = z.lazy(() => listed(z.object({ id: snowflakeSchema() })));

export const EXPRESSION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "sticker",
    gate: "stickers",
    rights: "Send Messages, and Use External Stickers for those of other servers",
    isIdempotent: false,
    seenAt: "channel",
    input: () =>
      z.strictObject({
        channelId: channelId.optional(),
        stickerIds: z.array(z.string().regex(/^\d{1,20}$/, "must be the id of a sticker")).min(1)
          .max(3),
        text: text.optional(),
      }),
    run: inChannel(["Send Messages"], async (place, { stickerIds, text }) => {
      const { guild } = place;
      if (guild) {
        const raw = await place.request("GET", `/guilds/${guild.guildId}/stickers`);
        const own = readResponse(stickersSchema, raw).map(({ id }): string => id);
        if (stickerIds.some((id) => !own.includes(id))) {
          await place.assertMay(["Use External Stickers"]);
        }
      }
      const messageId = await postMessage(place, place.channel.id, {
        stickerIds,
        ...(text !== undefined && { content: place.text(text) }),
      });
      return JSON.stringify({ sent: true, messageId });
    }),
  }),
  defineAction({
    name: "emojiUpload",
    gate: "emojiUploads",
    rights: "Create Expressions",
    isIdempotent: false,
    seenAt: "guild",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        name: z.string().regex(/^\w{2,32}$/, "must have 2 to 32 letters, digits or _"),
        mediaUrl,
        roleIds: z.array(roleId).max(20).optional(),
      }),
    run: inGuild(
      [{ kind: "in_guild", permission: "Create Expressions" }],
      async (place, { name, mediaUrl, roleIds }) => {
        const { contentType, bytes } = await place.media(mediaUrl, MAX_EMOJI_BYTES);
        const raw = await place.request("POST", `/guilds/${place.guildId}/emojis`, {
          body: { name, image: `data:${contentType};base64,${bytes.toBase64()}`, roles: roleIds },
        });
        const made = readResponse(withId, raw);
        return JSON.stringify({ emoji: `<:${name}:${made.id}>` });
      },
    ),
  }),
  defineAction({
    name: "stickerUpload",
    summary: "emoji names its mood",
    gate: "stickerUploads",
    rights: "Create Expressions",
    isIdempotent: false,
    seenAt: "guild",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        name: z.string().min(2).max(30),
        description: description.min(2).max(100),
        emoji: z.string().min(1).max(100),
        mediaUrl,
      }),
    run: inGuild(
      [{ kind: "in_guild", permission: "Create Expressions" }],
      async (place, { name, description, emoji, mediaUrl }) => {
        const file = await place.media(mediaUrl, MAX_STICKER_BYTES);
        const fields = {
          name: place.clean(name),
          description: place.clean(description),
          tags: place.clean(emoji),
        };
        const raw = await place.request("POST", `/guilds/${place.guildId}/stickers`, {
          form: { fields, file },
        });
        const made = readResponse(withId, raw);
        return JSON.stringify({ stickerId: made.id });
      },
    ),
  }),
];

const { emoji, limit } = FIELDS;

/** Whether a text is one Unicode emoji, with its variants and joined parts. */
const UNICODE = /^(?=.*[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3])[^\s\w<>:]{1,30}$/u;
/** The emoji of digits: "1️⃣". */
const KEYCAP = /^[\d#*]\ufe0f?\u20e3$/u;
const CUSTOM = /^<a?:\w{2,32}:\d{1,20}>$/;

const emojiSchema = z.lazy(() =>
  z.object({ id: optional(snowflakeSchema()), name: optional(z.string()) })
);
const reactedSchema = z.lazy(() =>
  z.object({ reactions: listOrEmpty(z.object({ count: z.number(), emoji: emojiSchema })) })
);
const usersSchema = z.lazy(() => listed(z.object({ id: snowflakeSchema(), username: textOr("") })));
const emojisSchema = z.lazy(() =>
  listed(
    z.object({
      id: optional(snowflakeSchema()),
      name: optional(z.string()),
      animated: optional(z.boolean()),
    }),
  )
);

export const REACTION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "react",
    summary: 'remove: your own, or all with emoji ""',
    gate: "reactions",
    rights:
      "Read Message History, and Add Reactions to add one; Use External Emojis for those of others",
    isIdempotent: true,
    seenAt: "channel",
    input: () => z.strictObject({ ...AT, emoji, remove: z.boolean().optional() }),
    async run({ emoji: written, remove = false, ...at }, call, discord) {
      const emoji = reactionEmoji(written.trim());
      if (emoji === "" && !remove) throw badArguments("`emoji` may be empty only with `remove`");
      if (emoji !== "") assertEmoji(emoji);
      if (!remove) {
        await discord.addReaction(call, at, emoji);
        return "Reacted.";
      }
      await discord.removeReaction(call, at, emoji);
      return "Removed.";
    },
  }),
  defineAction({
    name: "reactions",
    summary: "counts, or who",
    gate: "reactions",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject({ ...AT, emoji: emoji.optional(), limit: limit.optional() }),
    run: inChannel(["Read Message History"], async (place, { messageId, emoji, limit = 100 }) => {
      const path = `/channels/${place.channel.id}/messages/${messageId}`;
      if (emoji === undefined) {
        const { reactions } = readResponse(reactedSchema, await place.request("GET", path));
        return jsonLines(
          reactions.map(({ emoji, count }) => ({ emoji: emojiText(emoji), count })),
          "There are no reactions.",
        );
      }
      assertEmoji(emoji.trim());
      const name = encodeURIComponent(emojiInPath(reactionEmoji(emoji.trim())));
      const raw = await place.request("GET", `${path}/reactions/${name}`, { query: { limit } });
      const users = readResponse(usersSchema, raw);
      return jsonLines(
        users.map(({ id, username }) => ({ userId: id, username })),
        "There are no reactions with that emoji.",
      );
    }),
  }),
  defineAction({
    name: "emojiList",
    gate: "reactions",
    rights: "none",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject(IN_GUILD),
    run: inGuild([], async (place) => {
      const raw = await place.request("GET", `/guilds/${place.guildId}/emojis`);
      const emojis = readResponse(emojisSchema, raw);
      return emojis.map(emojiText).join(" ") || "The server has no emojis of its own.";
    }),
  }),
];

/** @throws {Error} If a text is not one emoji. */
function assertEmoji(text: string): void {
  if (UNICODE.test(text) || KEYCAP.test(text) || CUSTOM.test(text)) return;
  throw badArguments("`emoji` must be one Unicode emoji, or <:name:id> as emojiList shows it");
}

function emojiText(
  { id, name, animated }: z.infer<typeof emojiSchema> & { animated?: boolean | null | undefined },
): string {
  return id ? `<${animated ? "a" : ""}:${name ?? "_"}:${id}>` : name ?? "";
}
