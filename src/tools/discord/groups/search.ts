/**
 * The search for messages, behind the gate `search`.
 *
 * Discord searches with the bot's eyes. So each result is shown only if the asker may read its
 * channel (T4). Their number is not told, because it would tell about hidden channels.
 *
 * @module
 */

import { z } from "zod";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { type Action, defineAction } from "../action/action.ts";
import { FIELDS, IN_GUILD } from "../action/fields.ts";
import { lines, messageFields, read } from "../action/results.ts";
import { badArguments } from "../../../core/refused_call.ts";

const { anyChannel, userId, query, before, after } = FIELDS;

const foundSchema = z.object({
  messages: z.array(z.array(z.looseObject({ channel_id: snowflakeSchema<"channel">() }))),
});

/** Channels that Discord takes in one search. */
const MAX_CHANNELS = 500;

/** The search. */
export const SEARCH_ACTIONS: readonly Action[] = [
  defineAction({
    name: "searchMessages",
    summary: "newest first",
    gate: "search",
    rights: "Read Message History in the channel of each result",
    isIdempotent: true,
    input: z.strictObject({
      ...IN_GUILD,
      query: query.optional(),
      channelIds: z.array(anyChannel).min(1).max(20).optional(),
      authorIds: z.array(userId).min(1).max(20).optional(),
      before: before.optional(),
      after: after.optional(),
      limit: z.int().min(1).max(25).optional(),
    }),
    run: (
      { query, channelIds, authorIds, before, after, limit = 25, ...where },
      call,
      discord,
    ) =>
      discord.inGuild(call, { ...where, needs: [] }, async (place) => {
        if (query === undefined && !authorIds && !channelIds) {
          throw badArguments("give `query`, `authorIds` or `channelIds`");
        }
        const readable = (await place.channels(["Read Message History"])).map(({ id }) => id);
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
        const { messages } = read(foundSchema, answer);
        const shown = [];
        for (const raw of messages.flat()) {
          const { channel_id: channelId } = raw;
          const isReadable = readable.includes(channelId) ||
            await place.maySee(channelId, ["Read Message History"]);
          const isShown = isReadable && await place.mayQuote(channelId);
          const one = isShown ? await place.show(raw) : undefined;
          if (one) shown.push({ channelId, ...messageFields(one) });
        }
        return lines(shown, "Nothing was found that the person who asks may read.");
      }),
  }),
];
