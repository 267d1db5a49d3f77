/** Actions on threads and posts of forums, behind the gate `threads`. */

import { z } from "zod";
import { type Channel, isForum } from "../../../core/rights/rights.ts";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import {
  listOf as list,
  listOrEmpty,
  optional,
  snowflakeSchema,
  textOr,
} from "../../../core/discord/lenient.ts";
import type { DiscordCall } from "../../../core/turn/discord_place.ts";
import type { OpenedGuild } from "../../../flows/actions/place.ts";
import {
  type Action,
  defineAction,
  type Discord,
  FIELDS,
  IN_GUILD,
  jsonLines,
  POST,
  postOf,
  readResponse,
  sentLine,
} from "./action.ts";
import { afterDone, badArguments } from "../../../core/turn/tool.ts";

const { channelId, messageId, text, title, tags, limit } = FIELDS;

const threadSchema = z.lazy(() =>
  z.looseObject({
    id: snowflakeSchema<"channel">(),
    parent_id: optional(snowflakeSchema<"channel">()),
    name: textOr(""),
    message_count: optional(z.number()),
    applied_tags: list(snowflakeSchema()),
    thread_metadata: optional(z.object({
      archived: optional(z.boolean()),
      locked: optional(z.boolean()),
    })),
  })
);
const threadsSchema = z.lazy(() => z.object({ threads: listOrEmpty(threadSchema) }));

/** The times after which Discord archives a thread. */
const ARCHIVE_MINUTES = [60, 1_440, 4_320, 10_080];
const archiveMinutes = z.lazy(() =>
  z.int().refine((minutes) => ARCHIVE_MINUTES.includes(minutes), "must be 60, 1440, 4320 or 10080")
).describe("60, 1440, 4320 or 10080.");

/** Threads in one response of Discord's search. */
const SEARCH_PAGE = 25;

export const THREAD_ACTIONS: readonly Action[] = [
  defineAction({
    name: "threadCreate",
    summary: "on a message or new text; in a forum, a post",
    gate: "threads",
    rights:
      "Create Public Threads, Send Messages in Threads, and Send Messages for a text; Send Messages in a forum, and Manage Threads for moderated tags",
    isIdempotent: true,
    seenAt: "channel",
    input: () =>
      z.strictObject({
        channelId: channelId.optional(),
        messageId: messageId.optional(),
        title,
        text: text.optional(),
        tags: tags.optional(),
        autoArchiveMinutes: archiveMinutes.optional(),
      }),
    async run({ channelId, messageId, title, text, tags = [], autoArchiveMinutes }, call, discord) {
      const where = channelId === undefined ? {} : { channelId };
      const forum = messageId === undefined ? await forumAt(where, call, discord) : undefined;
      if (forum) {
        if (text === undefined) throw badArguments("give the `text` of the post");
        const post = {
          channelId: forum.id,
          title,
          text,
          tags,
          archiveAfterMin: autoArchiveMinutes,
        };
        return opened(await discord.openPost(call, post));
      }
      if (tags.length > 0) throw badArguments("only posts of a forum have `tags`");
      let on = messageId;
      if (on === undefined) {
        if (text === undefined) {
          throw badArguments("give `messageId`, or the `text` of a new message");
        }
        const sent = await discord.send(call, { ...where, text });
        on = sent.messageIds[0];
        if (on === undefined) {
          throw new Error("the message is stored, but not posted yet, so it has no thread");
        }
        const at = { ...where, messageId: on };
        return opened(
          await afterDone(
            `the message ${on} is posted, without a thread`,
            () => discord.openThread(call, at, title, autoArchiveMinutes),
          ),
        );
      }
      const thread = await discord.openThread(
        call,
        { ...where, messageId: on },
        title,
        autoArchiveMinutes,
      );
      if (text !== undefined) {
        await afterDone(
          `the thread ${thread.threadId} is open, without the text`,
          () => discord.send(call, { channelId: thread.threadId, text }),
        );
      }
      return opened(thread);
    },
  }),
  defineAction({
    name: "threadList",
    summary: "active ones",
    gate: "threads",
    rights: "Read Message History",
    isIdempotent: true,
    seenAt: "nowhere",
    reads: "everywhere",
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        channelId: channelId.optional(),
        query: z.string().min(1).max(100).optional(),
        tags: tags.optional(),
        archived: z.boolean().optional(),
        limit: limit.optional(),
      }),
    run: ({ guildId, channelId, query, tags, archived = false, limit = 50 }, call, discord) => {
      if (channelId === undefined) {
        if (query !== undefined || tags || archived) {
          throw badArguments("`query`, `tags` and `archived` need `channelId`");
        }
        const where = guildId === undefined ? {} : { guildId };
        return discord.inGuild(
          call,
          { ...where, needs: [] },
          async (place) => await listed(place, await activeIn(place), limit),
        );
      }
      const needs = ["Read Message History"] as const;
      return discord.inChannel(call, { channelId, needs }, async ({ channel, guild, request }) => {
        if (!guild) throw badArguments("direct messages have no threads");
        if (query !== undefined || tags) {
          const found = await request("GET", `/channels/${channel.id}/threads/search`, {
            query: {
              name: query,
              tag: tags?.map((name) => tagOf(channel, name)),
              archived: archived || undefined,
              limit: Math.min(limit, SEARCH_PAGE),
            },
          });
          return await listed(guild, readResponse(threadsSchema, found).threads, limit, channel);
        }
        if (archived) {
          const path = `/channels/${channel.id}/threads/archived/public`;
          const found = await request("GET", path, { query: { limit: Math.max(limit, 2) } });
          return await listed(guild, readResponse(threadsSchema, found).threads, limit, channel);
        }
        const active = await activeIn(guild);
        const own = active.filter(({ parent_id }) => parent_id === channel.id);
        return await listed(guild, own, limit, channel);
      });
    },
  }),
  defineAction({
    name: "threadReply",
    gate: "threads",
    rights: "Send Messages in Threads; Attach Files for a file, Embed Links for an embed",
    isIdempotent: true,
    seenAt: "channel",
    input: () => z.strictObject({ channelId, ...POST }),
    run: async ({ channelId, ...post }, call, discord) =>
      sentLine(await discord.send(call, { channelId, ...postOf(post) })),
  }),
];

/** The forum of a call; `undefined` if its channel is none. */
async function forumAt(
  where: { readonly channelId?: Channel["id"] },
  call: DiscordCall,
  discord: Discord,
): Promise<Channel | undefined> {
  return await discord.inChannel(
    call,
    { ...where, needs: [] },
    ({ channel }) => Promise.resolve(isForum(channel) ? channel : undefined),
  );
}

function opened({ threadId, title, existed }: Awaited<ReturnType<Discord["openThread"]>>): string {
  return JSON.stringify({ threadId, title, existed: existed || undefined });
}

async function activeIn({ request, guildId }: OpenedGuild) {
  return readResponse(threadsSchema, await request("GET", `/guilds/${guildId}/threads/active`))
    .threads;
}

/** The threads that the asker may see. */
async function listed(
  place: OpenedGuild,
  threads: readonly z.infer<typeof threadSchema>[],
  limit: number,
  parent?: Channel,
): Promise<string> {
  const shown = [];
  for (const thread of threads) {
    if (shown.length === limit) break;
    const channel = place.read(thread);
    if (!channel || !await place.maySee(channel)) continue;
    const { id, parent_id: channelId, name, message_count: messages } = thread;
    const names = thread.applied_tags?.flatMap((tag) =>
      parent?.tags.find((one) => one.id === tag)?.name ?? []
    );
    shown.push({
      threadId: id,
      channelId,
      name,
      messages: messages || undefined,
      tags: names && names.length > 0 ? names : undefined,
      isArchived: thread.thread_metadata?.archived || undefined,
      isLocked: thread.thread_metadata?.locked || undefined,
    });
  }
  return jsonLines(shown, "There are no such threads that may be shown here.");
}

function tagOf({ tags }: Channel, written: string): string {
  const found = tags.find(({ id, name }) =>
    id === parseSnowflake(written) || name.toLowerCase() === written.toLowerCase()
  );
  if (found) return found.id;
  throw badArguments(`the channel has no tag ${JSON.stringify(written)}: see its channelInfo`);
}
