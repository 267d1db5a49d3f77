/**
 * Actions on messages, pins and searches, behind the gates `messages`, `pins` and `search`.
 *
 * Discord searches all channels that the bot may read. So each result is shown only if the asker may
 * read its channel, too (T4). The number of results is left out: it would tell about hidden channels.
 */

import { z } from "zod";
import {
  type Action,
  AT,
  defineAction,
  DESTRUCTIVE,
  FIELDS,
  IN_GUILD,
  inChannel,
  inGuild,
  jsonLines,
  messageFields,
  POST,
  postMessage,
  postOf,
  readResponse,
  sentLine,
} from "./action.ts";
import { badArguments } from "../../../core/turn/tool.ts";
import { listOrEmpty, optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";

const { channelId, userId, text, limit, before, after, messageId } = FIELDS;

const messageSchema = z.lazy(() =>
  z.object({
    author: z.object({ id: snowflakeSchema<"user">(), username: textOr("") }),
    content: textOr(""),
  })
);

export const MESSAGE_ACTIONS: readonly Action[] = [
  defineAction({
    name: "sendMessage",
    summary: "not for your answer",
    gate: "messages",
    rights:
      "Send Messages; Attach Files for a file, Embed Links for an embed; `userId` is for the " +
      "asker, and for owners of the bot anyone",
    isIdempotent: true,
    seenAt: ({ userId, channelId }) =>
      userId ? { kind: "person", id: userId } : { kind: "channel", id: channelId },
    input: () =>
      z.strictObject({ channelId: channelId.optional(), userId: userId.optional(), ...POST }),
    async run({ channelId, userId, ...post }, call, discord) {
      if (userId && channelId) throw badArguments("give `channelId` or `userId`, not both");
      return sentLine(await discord.send(call, { channelId, userId, ...postOf(post) }));
    },
  }),
  defineAction({
    name: "readMessages",
    summary: "oldest first",
    gate: "messages",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () =>
      z.strictObject({
        channelId: channelId.optional(),
        limit: limit.optional(),
        before: before.optional(),
        after: after.optional(),
        around: messageId.optional(),
      }),
    async run({ limit = 30, ...range }, call, discord) {
      if ([range.before, range.after, range.around].filter(Boolean).length > 1) {
        throw badArguments("give one of `before`, `after` and `around`");
      }
      const found = await discord.read(call, { ...range, limit });
      return jsonLines(found.map(messageFields), "There are no messages that you may read.");
    },
  }),
  defineAction({
    name: "fetchMessage",
    gate: "messages",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject(AT),
    run: async (input, call, discord) =>
      jsonLines([messageFields(await discord.readOne(call, input))], ""),
  }),
  defineAction({
    name: "editMessage",
    summary: "your own only",
    gate: "messages",
    rights: "Send Messages; only answers to the asker, and messages that they had the bot post, " +
      "without buttons",
    isIdempotent: true,
    seenAt: "channel",
    input: () => z.strictObject({ ...AT, text }),
    async run({ text, ...where }, call, discord) {
      await discord.edit(call, where, text);
      return "Edited.";
    },
  }),
  defineAction({
    name: "deleteMessage",
    gate: "messages",
    rights: "Send Messages for the bot's answers to the asker, Manage Messages for others",
    isIdempotent: true,
    seenAt: "channel",
    undo: "no",
    input: () => z.strictObject({ ...AT, dryRun: DESTRUCTIVE.dryRun }),
    run: inChannel(["Read Message History"], async (place, { messageId, dryRun = false }, call) => {
      const path = `/channels/${place.channel.id}/messages/${messageId}`;
      const { author, content } = readResponse(messageSchema, await place.request("GET", path));
      const isOwn = author.id === place.self;
      if (!isOwn && !place.guild) {
        throw badArguments("in direct messages, the bot can delete only its own messages");
      }
      const isTheirs = isOwn && await place.isAnswerToAsker(messageId);
      await place.assertMay([isTheirs ? "Send Messages" : "Manage Messages"]);
      if (!isOwn) await place.assertBotMay(["Manage Messages"]);
      // The card is in the channel of the turn, whose members may not read another one.
      const isHere = place.channel.id === call.message.channelId;
      const words = isHere && content !== "" ? `: ${JSON.stringify(beginningOf(content))}` : "";
      const by = isHere ? ` by ${isOwn ? "the bot" : `${author.username} (${author.id})`}` : "";
      const what = `delete the message ${messageId}${by} in <#${place.channel.id}>${words}`;
      // An answer to the asker has no words of other people, and its own question stays.
      return await place.change({ what, dryRun, asks: !isTheirs }, async () => {
        await place.request("DELETE", path);
        return "Deleted.";
      });
    }),
  }),
  defineAction({
    name: "forwardMessage",
    gate: "messages",
    rights: "Read Message History, and Send Messages in the other channel",
    isIdempotent: false,
    reads: "elsewhere",
    seenAt: ({ toChannelId: id }) => ({ kind: "channel", id }),
    input: () => z.strictObject({ ...AT, toChannelId: channelId }),
    run: inChannel(["Read Message History"], async (place, { messageId, toChannelId }) => {
      const to = await place.assertMayIn(toChannelId, ["Send Messages"]);
      await place.guild?.assertMayShowIn(to);
      const messageReference = { type: 1, messageId, channelId: place.channel.id };
      const forwardId = await postMessage(place, to.id, { messageReference });
      return JSON.stringify({ forwarded: true, channelId: to.id, messageId: forwardId });
    }),
  }),
];

const QUOTED = 80;

function beginningOf(text: string): string {
  return text.length > QUOTED ? `${text.slice(0, QUOTED)}…`.toWellFormed() : text;
}

const pinsSchema = z.lazy(() =>
  z.object({
    items: listOrEmpty(z.object({ pinned_at: textOr(""), message: z.unknown() })),
    has_more: optional(z.boolean()),
  })
);

/** Maximum number of pins in one response of Discord. */
const PAGE = 50;

export const PIN_ACTIONS: readonly Action[] = [
  pinAction("pinMessage", "PUT", "Pinned."),
  pinAction("unpinMessage", "DELETE", "Unpinned."),
  defineAction({
    name: "listPins",
    summary: "newest first",
    gate: "pins",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () =>
      z.strictObject({
        channelId: FIELDS.channelId.optional(),
        limit: FIELDS.limit.optional(),
        pinnedBefore: z.iso.datetime({ offset: true }).optional(),
      }),
    run: inChannel(["Read Message History"], async (place, { limit = 50, pinnedBefore }) => {
      const raw = await place.request("GET", `/channels/${place.channel.id}/messages/pins`, {
        query: { limit: Math.min(limit, PAGE), before: pinnedBefore },
      });
      const { items, has_more: hasMore } = readResponse(pinsSchema, raw);
      const shown = [];
      for (const { pinned_at: pinnedAt, message } of items) {
        const one = await place.show(message);
        if (one) shown.push({ pinnedAt, ...messageFields(one) });
      }
      const list = jsonLines(shown, "There are no pinned messages that you may read.");
      const last = items.at(-1)?.pinned_at;
      return hasMore && last ? `${list}\nThere are more: pinnedBefore ${last}.` : list;
    }),
  }),
];

function pinAction(name: string, method: "PUT" | "DELETE", done: string): Action {
  return defineAction({
    name,
    gate: "pins",
    rights: "Pin Messages",
    isIdempotent: true,
    seenAt: "channel",
    input: () => z.strictObject(AT),
    run: inChannel(["Read Message History", "Pin Messages"], async (place, { messageId }) => {
      await place.request(method, `/channels/${place.channel.id}/messages/pins/${messageId}`);
      return done;
    }),
  });
}

const foundSchema = z.lazy(() =>
  z.object({
    messages: listOrEmpty(listOrEmpty(z.looseObject({ channel_id: snowflakeSchema<"channel">() }))),
  })
);

/** Channels that Discord takes in one search. */
const MAX_CHANNELS = 500;

export const SEARCH_ACTIONS: readonly Action[] = [
  defineAction({
    name: "searchMessages",
    summary: "newest first",
    gate: "search",
    rights: "Read Message History in the channel of each result",
    isIdempotent: true,
    seenAt: "nowhere",
    reads: "everywhere",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        query: FIELDS.query.optional(),
        channelIds: z.array(FIELDS.channelId).min(1).max(20).optional(),
        authorIds: z.array(FIELDS.userId).min(1).max(20).optional(),
        before: FIELDS.before.optional(),
        after: FIELDS.after.optional(),
        limit: z.int().min(1).max(25).optional(),
      }),
    run: inGuild([], async (place, { query, channelIds, authorIds, before, after, limit = 25 }) => {
      if (query === undefined && !authorIds && !channelIds) {
        throw badArguments("give `query`, `authorIds` or `channelIds`");
      }
      const idsNow = async () =>
        (await place.channels(["Read Message History"])).map(({ id }) => id);
      let readable = await idsNow();
      const answer = await place.request("GET", `/guilds/${place.guildId}/messages/search`, {
        query: {
          content: query,
          author_id: authorIds,
          channel_id: channelIds ??
            (readable.length <= MAX_CHANNELS ? readable : undefined),
          min_id: after,
          max_id: before,
          limit,
        },
      });
      const { messages } = readResponse(foundSchema, answer);
      readable = await idsNow(); // Discord may have built its index meanwhile
      const shown = [];
      for (const raw of messages.flat()) {
        const { channel_id: channelId } = raw;
        const isShown = readable.includes(channelId) ||
          await place.maySee(channelId, ["Read Message History"]);
        const one = isShown ? await place.show(raw) : undefined;
        if (one) shown.push({ channelId, ...messageFields(one) });
      }
      return jsonLines(shown, "Nothing was found that may be shown here.");
    }),
  }),
];
