/**
 * Actions on messages, behind the gate `messages`.
 *
 * @module
 */

import { z } from "zod";
import { type Action, defineAction } from "../action/action.ts";
import { AT, DESTRUCTIVE, FIELDS } from "../action/fields.ts";
import { lines, messageFields, newMessage, read, sentLine } from "../action/results.ts";
import { badArguments, RefusedCall } from "../../../core/refused_call.ts";

const { channelId, anyChannel, text, replyTo, limit, before, after } = FIELDS;

const messageSchema = z.object({ author: z.object({ id: z.string(), username: z.string() }) });

/** Actions on messages. */
export const MESSAGE_ACTIONS: readonly Action[] = [
  defineAction({
    name: "sendMessage",
    summary: "not for your answer",
    gate: "messages",
    rights: "Send Messages",
    isIdempotent: true,
    input: z.strictObject({
      channelId: channelId.optional(),
      text,
      replyTo: replyTo.optional(),
    }),
    run: async (input, call, discord) => sentLine(await discord.send(call, input)),
  }),
  defineAction({
    name: "readMessages",
    summary: "oldest first",
    gate: "messages",
    rights: "Read Message History",
    isIdempotent: true,
    input: z.strictObject({
      channelId: channelId.optional(),
      limit: limit.optional(),
      before: before.optional(),
      after: after.optional(),
    }),
    async run({ limit = 30, ...range }, call, discord) {
      if (range.before && range.after) throw badArguments("give `before` or `after`, not both");
      const found = await discord.read(call, { ...range, limit });
      return lines(found.map(messageFields), "There are no messages that you may read.");
    },
  }),
  defineAction({
    name: "fetchMessage",
    summary: "",
    gate: "messages",
    rights: "Read Message History",
    isIdempotent: true,
    input: z.strictObject(AT),
    run: async (input, call, discord) =>
      lines([messageFields(await discord.readOne(call, input))], ""),
  }),
  defineAction({
    name: "editMessage",
    summary: "your own only",
    gate: "messages",
    rights:
      "Send Messages for answers to the asker, Manage Messages for others; messages of the bot " +
      "without buttons only",
    isIdempotent: true,
    input: z.strictObject({ ...AT, text }),
    async run({ text, ...where }, call, discord) {
      await discord.edit(call, where, text);
      return "Edited.";
    },
  }),
  defineAction({
    name: "deleteMessage",
    summary: "",
    gate: "messages",
    rights: "Send Messages for the bot's answers to the asker, Manage Messages for others",
    isIdempotent: true,
    undo: "no",
    input: z.strictObject({ ...AT, dryRun: DESTRUCTIVE.dryRun }),
    run: ({ messageId, dryRun = false, ...where }, call, discord) =>
      discord.inChannel(call, { ...where, needs: ["Read Message History"] }, async (place) => {
        const path = `/channels/${place.channel.id}/messages/${messageId}`;
        const { author } = read(messageSchema, await place.request("GET", path));
        const isOwn = author.id === place.self;
        if (!isOwn && !place.guild) {
          throw badArguments("in direct messages, the bot can delete only its own messages");
        }
        const isTheirs = isOwn && await place.isAnswerToAsker(messageId);
        await place.assertMay([isTheirs ? "Send Messages" : "Manage Messages"]);
        if (!isOwn) await place.assertBotMay(["Manage Messages"]);
        const what = `delete the message ${messageId} by ${author.username}`;
        return await place.change({ what, dryRun }, async () => {
          await place.request("DELETE", path);
          return "Deleted.";
        });
      }),
  }),
  defineAction({
    name: "forwardMessage",
    summary: "",
    gate: "messages",
    rights: "Read Message History, and Send Messages in the other channel",
    isIdempotent: false,
    input: z.strictObject({ ...AT, toChannelId: anyChannel }),
    run: ({ messageId, toChannelId, ...where }, call, discord) =>
      discord.inChannel(call, { ...where, needs: ["Read Message History"] }, async (place) => {
        const to = await place.assertMayIn(toChannelId, ["Send Messages"]);
        const isRestricted = await place.guild?.isAgeRestricted(place.channel);
        if (isRestricted && !await place.guild?.isAgeRestricted(to)) {
          throw new RefusedCall(
            "policy",
            "that channel is age-restricted, and the other one is not",
          );
        }
        const sent = read(
          newMessage,
          await place.request("POST", `/channels/${to.id}/messages`, {
            body: {
              messageReference: { type: 1, messageId, channelId: place.channel.id },
              allowedMentions: { parse: [] },
              nonce: place.nonce,
              enforceNonce: true,
            },
          }),
        );
        await place.posted(sent.id);
        return JSON.stringify({ forwarded: true, channelId: to.id, messageId: sent.id });
      }),
  }),
];
