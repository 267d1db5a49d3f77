/**
 * Actions on reactions, and on emojis and stickers of a server.
 *
 * @module
 */

import { z } from "zod";
import {
  type Action,
  AT,
  defineAction,
  FIELDS,
  IN_GUILD,
  lines,
  newMessage,
  read,
  withId,
} from "./action.ts";
import { badArguments } from "../../../core/refused_call.ts";

const { channelId, mediaUrl, description, roleId } = FIELDS;

/** Discord's limits in bytes. */
const MAX_EMOJI_BYTES = 256 * 1024;
const MAX_STICKER_BYTES = 512 * 1024;

const stickersSchema = z.array(z.object({ id: z.string() }));

/** Actions on emojis and stickers. */
export const EXPRESSION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "sticker",
    summary: "",
    gate: "stickers",
    rights: "Send Messages, and Use External Stickers for those of other servers",
    isIdempotent: false,
    reads: "nothing",
    input: z.strictObject({
      channelId: channelId.optional(),
      stickerIds: z.array(z.string().regex(/^\d{1,20}$/, "must be the id of a sticker")).min(1)
        .max(3),
    }),
    run: ({ stickerIds, ...where }, call, discord) =>
      discord.inChannel(call, { ...where, needs: ["Send Messages"] }, async (place) => {
        const { guild } = place;
        if (guild) {
          const own = read(
            stickersSchema,
            await place.request("GET", `/guilds/${guild.guildId}/stickers`),
          ).map(({ id }) => id);
          if (stickerIds.some((id) => !own.includes(id))) {
            await place.assertMay(["Use External Stickers"]);
          }
        }
        const sent = read(
          newMessage,
          await place.request("POST", `/channels/${place.channel.id}/messages`, {
            body: {
              stickerIds,
              allowedMentions: { parse: [] },
              nonce: place.nonce,
              enforceNonce: true,
            },
          }),
        );
        await place.posted(sent.id);
        return JSON.stringify({ sent: true, messageId: sent.id });
      }),
  }),
  defineAction({
    name: "emojiUpload",
    summary: "",
    gate: "emojiUploads",
    rights: "Create Expressions",
    isIdempotent: false,
    input: z.strictObject({
      ...IN_GUILD,
      name: z.string().regex(/^\w{2,32}$/, "must have 2 to 32 letters, digits or _"),
      mediaUrl,
      roleIds: z.array(roleId).max(20).optional(),
    }),
    run: ({ name, mediaUrl, roleIds, ...where }, call, discord) =>
      discord.inGuild(
        call,
        { ...where, needs: [{ kind: "in_guild", permission: "Create Expressions" }] },
        async (place) => {
          const { contentType, bytes } = await place.media(mediaUrl, MAX_EMOJI_BYTES);
          const made = read(
            withId,
            await place.request("POST", `/guilds/${place.guildId}/emojis`, {
              body: {
                name,
                image: `data:${contentType};base64,${bytes.toBase64()}`,
                roles: roleIds,
              },
            }),
          );
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
    reads: "nothing",
    input: z.strictObject({
      ...IN_GUILD,
      name: z.string().min(2).max(30),
      description: description.min(2).max(100),
      emoji: z.string().min(1).max(100),
      mediaUrl,
    }),
    run: ({ name, description, emoji, mediaUrl, ...where }, call, discord) =>
      discord.inGuild(
        call,
        { ...where, needs: [{ kind: "in_guild", permission: "Create Expressions" }] },
        async (place) => {
          const file = await place.media(mediaUrl, MAX_STICKER_BYTES);
          const fields = {
            name: place.clean(name),
            description: place.clean(description),
            tags: emoji,
          };
          const made = read(
            withId,
            await place.request("POST", `/guilds/${place.guildId}/stickers`, {
              form: { fields, file },
            }),
          );
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

const emojiSchema = z.object({ id: z.string().nullish(), name: z.string().nullish() });
const reactedSchema = z.object({
  reactions: z.array(z.object({ count: z.number(), emoji: emojiSchema })).default([]),
});
const usersSchema = z.array(z.object({ id: z.string(), username: z.string() }));
const emojisSchema = z.array(
  z.object({
    id: z.string().nullish(),
    name: z.string().nullish(),
    animated: z.boolean().nullish(),
  }),
);

/** Actions on reactions. */
export const REACTION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "react",
    summary: 'remove: your own, or all with emoji ""',
    gate: "reactions",
    rights:
      "Read Message History, and Add Reactions to add one; Use External Emojis for those of others",
    isIdempotent: true,
    reads: "nothing",
    input: z.strictObject({ ...AT, emoji, remove: z.boolean().optional() }),
    async run({ emoji: written, remove = false, ...at }, call, discord) {
      const emoji = written.trim();
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
    input: z.strictObject({
      ...AT,
      emoji: emoji.optional(),
      limit: limit.optional(),
    }),
    run: ({ messageId, emoji, limit = 100, ...where }, call, discord) =>
      discord.inChannel(call, { ...where, needs: ["Read Message History"] }, async (place) => {
        const path = `/channels/${place.channel.id}/messages/${messageId}`;
        if (emoji === undefined) {
          const { reactions } = read(reactedSchema, await place.request("GET", path));
          return lines(
            reactions.map(({ emoji, count }) => ({ emoji: emojiText(emoji), count })),
            "There are no reactions.",
          );
        }
        assertEmoji(emoji.trim());
        const name = encodeURIComponent(inPath(emoji.trim()));
        const users = read(
          usersSchema,
          await place.request("GET", `${path}/reactions/${name}`, { query: { limit } }),
        );
        return lines(
          users.map(({ id, username }) => ({ userId: id, username })),
          "There are no reactions with that emoji.",
        );
      }),
  }),
  defineAction({
    name: "emojiList",
    summary: "",
    gate: "reactions",
    rights: "none",
    isIdempotent: true,
    input: z.strictObject(IN_GUILD),
    run: (where, call, discord) =>
      discord.inGuild(call, { ...where, needs: [] }, async (place) => {
        const emojis = read(
          emojisSchema,
          await place.request("GET", `/guilds/${place.guildId}/emojis`),
        );
        return emojis.map(emojiText).join(" ") || "The server has no emojis of its own.";
      }),
  }),
];

/** @throws {Error} If a text is not one emoji. */
function assertEmoji(text: string): void {
  if (UNICODE.test(text) || KEYCAP.test(text) || CUSTOM.test(text)) return;
  throw badArguments("`emoji` must be one Unicode emoji, or <:name:id>");
}

function emojiText(
  { id, name, animated }: z.infer<typeof emojiSchema> & { animated?: boolean | null | undefined },
): string {
  return id ? `<${animated ? "a" : ""}:${name ?? "_"}:${id}>` : name ?? "";
}

/** The API takes `name:id` for `<:name:id>`. */
function inPath(emoji: string): string {
  return /^<a?:(\w+:\d+)>$/.exec(emoji)?.[1] ?? emoji;
}
