/**
 * Actions on emojis and stickers of a server.
 *
 * @module
 */

import { z } from "zod";
import { type Action, defineAction } from "../action/action.ts";
import { FIELDS, IN_GUILD } from "../action/fields.ts";
import { newMessage, read, withId } from "../action/results.ts";

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
