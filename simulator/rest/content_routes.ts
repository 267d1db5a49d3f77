/**
 * The routes of the simulated REST API for pins, polls, posts, searches, emojis, stickers and events.
 */

import type { Hono } from "hono";
import { z } from "zod";
import { type MessageId, parseSnowflake, type UserId } from "../../src/core/discord/ids.ts";
import { findMessage } from "../actions/history.ts";
import { EMPTY_DRAFT } from "../actions/draft.ts";
import { postMessage } from "../actions/messages.ts";
import { channelsOf, toGuildEmoji, toSticker } from "../payloads/guild.ts";
import { toChannel, toMessage, userPayload } from "../payloads/payloads.ts";
import { may } from "../world/access.ts";
import { addThread } from "../world/create_world.ts";
import { PERMISSION } from "../world/permissions.ts";
import { REFUSALS } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import type { Channel, Expression, Message, Thread, World, WorldEvent } from "../world/world.ts";
import { answerMalformed, answerProblems, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { inChannel, inGuild } from "./guild_permission.ts";
import { parseCreate } from "./message_body.ts";

interface Deps {
  readonly world: World;
  self(c: Asked): UserId;
  publish(events: readonly WorldEvent[]): void;
}

const POST = z.strictObject({
  name: z.string().min(1).max(100),
  auto_archive_duration: z.literal([60, 1_440, 4_320, 10_080]).optional(),
  applied_tags: z.array(z.string()).max(5).optional(),
  message: z.looseObject({}),
});
const EMOJI = z.strictObject({
  name: z.string().regex(/^\w{2,32}$/),
  image: z.string().regex(/^data:image\/(?:png|jpeg|gif|webp|avif);base64,/),
  roles: z.array(z.string()).optional(),
});
const STICKER = z.strictObject({
  name: z.string().min(2).max(30),
  description: z.string().max(100),
  tags: z.string().min(1).max(200),
});
const EVENT = z.strictObject({
  name: z.string().min(1).max(100),
  privacy_level: z.literal(2),
  entity_type: z.literal([1, 2, 3]),
  scheduled_start_time: z.iso.datetime({ offset: true }),
  scheduled_end_time: z.iso.datetime({ offset: true }).optional(),
  description: z.string().max(1_000).optional(),
  channel_id: z.string().optional(),
  entity_metadata: z.strictObject({ location: z.string().max(100) }).optional(),
});

export function addContentRoutes(app: Hono<Env>, { world, self, publish }: Deps): void {
  const param = (c: Asked, name: string) => c.req.param(name);
  const done = () => new Response(null, { status: 204 });
  const change = (channel: Channel, message: Message) => {
    channel.messages.set(message.id, message);
    publish([{ kind: "message_updated", message }]);
  };

  app.get(
    "/channels/:channel/messages/pins",
    (c) =>
      inChannel(world, param(c, "channel"), self(c), PERMISSION.readMessageHistory, (channel) => {
        const before = Date.parse(c.req.query("before") ?? "9999-01-01T00:00:00Z");
        const limit = Number(c.req.query("limit") ?? 50);
        const pinned = [...channel.messages.values()].flatMap((message) =>
          message.pinnedAt !== undefined && message.pinnedAt < before
            ? [{ at: message.pinnedAt, message }]
            : []
        ).sort((one, other) => other.at - one.at);
        return c.json({
          items: pinned.slice(0, limit).map(({ at, message }) => ({
            pinned_at: new Date(at).toISOString(),
            message: toMessage(world, message, self(c)),
          })),
          has_more: pinned.length > limit,
        });
      }),
  );
  for (const method of ["PUT", "DELETE"]) {
    app.on(
      method,
      "/channels/:channel/messages/pins/:message",
      (c) =>
        inChannel(world, param(c, "channel"), self(c), PERMISSION.pinMessages, (channel) => {
          const id = parseSnowflake<"message">(param(c, "message") ?? "");
          const message = id && channel.messages.get(id);
          if (!message) return answerRefused(REFUSALS.unknownMessage);
          const { pinnedAt: _, ...rest } = message;
          change(channel, method === "PUT" ? { ...rest, pinnedAt: c.env.call.now } : rest);
          return done();
        }),
    );
  }
  app.post("/channels/:channel/polls/:message/expire", (c) => {
    const found = findMessage(world, c.req.param("channel"), c.req.param("message"), self(c));
    if (found.kind === "refused") return answerRefused(found.refused);
    const { channel, message } = found;
    if (!message.poll) return answerRefused(REFUSALS.notAPoll);
    if (message.author.kind !== "user" || message.author.userId !== self(c)) {
      return answerRefused(REFUSALS.notYourMessage);
    }
    const ended = { ...message, poll: { ...message.poll, isOver: true } };
    change(channel, ended);
    return c.json(toMessage(world, ended, self(c)));
  });

  app.post(
    "/channels/:channel/threads",
    (c) =>
      inChannel(world, param(c, "channel"), self(c), PERMISSION.sendMessages, (forum) => {
        if (forum.kind !== "forum") return answerRefused(REFUSALS.wrongChannelType);
        const parsed = POST.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const draft = parseCreate(parsed.data.message, []);
        if (draft.kind === "wrong") return answerProblems(draft.problems);
        const { now } = c.env.call;
        const tagIds = (parsed.data.applied_tags ?? []).flatMap((id) => parseSnowflake(id) ?? []);
        const thread = addThread(
          world,
          forum,
          { name: parsed.data.name, ownerId: self(c), tagIds },
          now,
        );
        publish([{ kind: "channel_created", channel: thread }]);
        const author = { kind: "user", userId: self(c) } as const;
        const posted = postMessage(
          world,
          thread.id,
          author,
          { ...EMPTY_DRAFT, ...draft.value },
          now,
        );
        if (posted.kind === "refused") return answerRefused(posted.refused);
        publish(posted.events);
        return Response.json({
          ...toChannel(world, thread, self(c)),
          message: toMessage(world, posted.value.message, self(c)),
        }, { status: 201 });
      }),
  );
  const threadsIn = (c: Asked, isListed: (thread: Thread) => boolean) =>
    inChannel(
      world,
      param(c, "channel"),
      self(c),
      PERMISSION.readMessageHistory,
      (parent, guild) => {
        const threads = channelsOf(world, guild).flatMap((one) =>
          one.kind === "thread" && one.parentId === parent.id && isListed(one) ? [one] : []
        );
        return c.json({
          threads: threads.map((thread) => toChannel(world, thread, self(c))),
          members: [],
          has_more: false,
          ...(c.req.path.endsWith("/search") && { total_results: threads.length }),
        });
      },
    );
  app.get("/channels/:channel/threads/search", (c) => {
    const { name = "", archived } = c.req.query();
    const tags = c.req.queries("tag") ?? [];
    return threadsIn(c, (thread) =>
      thread.name.toLowerCase().includes(name.toLowerCase()) &&
      (archived === undefined || String(thread.isArchived) === archived) &&
      tags.every((tag) => thread.tagIds?.some((id) => id === tag)));
  });
  app.get(
    "/channels/:channel/threads/archived/public",
    (c) => threadsIn(c, ({ isArchived }) => isArchived),
  );

  app.get(
    "/guilds/:guild/messages/search",
    (c) =>
      inGuild(world, param(c, "guild"), self(c), 0n, (guild) => {
        if (guild.things.unindexed > 0) {
          guild.things.unindexed -= 1;
          const { code, message } = REFUSALS.notReady;
          return c.json({ message, code, documents_indexed: 0, retry_after: 0 }, 202);
        }
        const { content = "", limit = "25" } = c.req.query();
        const channels = c.req.queries("channel_id");
        const authors = c.req.queries("author_id");
        const mentioned = c.req.queries("mentions");
        const found = channelsOf(world, guild)
          .filter((one) => may(world, one, self(c), "read_history"))
          .filter(({ id }) => !channels || channels.includes(id))
          .flatMap(({ messages }) => [...messages.values()])
          .filter((one) => one.content.toLowerCase().includes(content.toLowerCase()))
          .filter(({ author }) =>
            !authors || (author.kind === "user" && authors.includes(author.userId))
          )
          .filter(({ pings }) => !mentioned || pings.users.some((id) => mentioned.includes(id)))
          .sort((one, other) => Number(BigInt(other.id) - BigInt(one.id)))
          .slice(0, Number(limit));
        return c.json({
          messages: found.map((one) => [{ ...toMessage(world, one, self(c)), hit: true }]),
          doing_deep_historical_index: false,
          total_results: found.length,
        });
      }),
  );

  app.get("/guilds/:guild/emojis", (c) =>
    inGuild(
      world,
      param(c, "guild"),
      self(c),
      0n,
      ({ things }) => c.json([...things.emojis.values()].map(toGuildEmoji)),
    ));
  app.get("/guilds/:guild/stickers", (c) =>
    inGuild(
      world,
      param(c, "guild"),
      self(c),
      0n,
      (guild) => c.json([...guild.things.stickers.values()].map((one) => toSticker(guild, one))),
    ));
  app.post(
    "/guilds/:guild/emojis",
    (c) =>
      inGuild(world, param(c, "guild"), self(c), PERMISSION.createExpressions, (guild) => {
        const parsed = EMOJI.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const { name, image } = parsed.data;
        const made: Expression = {
          id: nextId(world.ids, c.env.call.now),
          name,
          bytes: image.length,
        };
        guild.things.emojis.set(made.id, made);
        return Response.json({ ...toGuildEmoji(made), user: userPayload(world, self(c)) }, {
          status: 201,
        });
      }),
  );
  app.post(
    "/guilds/:guild/stickers",
    (c) =>
      inGuild(world, param(c, "guild"), self(c), PERMISSION.createExpressions, (guild) => {
        const parsed = STICKER.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const [file] = c.env.call.files;
        const made: Expression = {
          id: nextId(world.ids, c.env.call.now),
          name: parsed.data.name,
          bytes: file?.sizeBytes ?? 0,
        };
        guild.things.stickers.set(made.id, made);
        return Response.json(toSticker(guild, made), { status: 201 });
      }),
  );

  app.get("/guilds/:guild/scheduled-events", (c) =>
    inGuild(
      world,
      param(c, "guild"),
      self(c),
      0n,
      ({ things }) => c.json([...things.events.values()]),
    ));
  app.post(
    "/guilds/:guild/scheduled-events",
    (c) =>
      inGuild(world, param(c, "guild"), self(c), PERMISSION.createEvents, (guild) => {
        const parsed = EVENT.safeParse(c.env.call.body);
        if (!parsed.success) return answerMalformed(parsed.error);
        const id: MessageId = nextId(world.ids, c.env.call.now);
        const made = {
          ...parsed.data,
          id,
          guild_id: guild.id,
          channel_id: parsed.data.channel_id ?? null,
          description: parsed.data.description ?? null,
          scheduled_end_time: parsed.data.scheduled_end_time ?? null,
          entity_metadata: parsed.data.entity_metadata ?? null,
          entity_id: null,
          creator_id: self(c),
          status: 1,
          image: null,
          user_count: 0,
          recurrence_rule: null,
          auto_start: false,
          guild_scheduled_event_exceptions: [],
        };
        guild.things.events.set(id, made);
        return c.json(made);
      }),
  );
}
