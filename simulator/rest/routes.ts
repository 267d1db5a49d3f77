/**
 * The routes of Discord's REST API that bots such as Barnacle use.
 *
 * Each passes one command to the world, and returns the result in Discord's JSON. Authentication
 * and rate limits have been checked before.
 */

import { Hono } from "hono";
import { z } from "zod";
import { parseSnowflake, type Snowflake, type UserId } from "../../src/core/discord/ids.ts";
import { may, openChannel } from "../world/access.ts";
import { changeFlags, toApplication } from "../payloads/application.ts";
import { openDirectChannel } from "../world/create_world.ts";
import { addChannelRoutes } from "./channel_routes.ts";
import { addContentRoutes } from "./content_routes.ts";
import { addMemberRoutes } from "./member_routes.ts";
import { addCommandRoutes } from "./command_routes.ts";
import { addGuildRoutes } from "./guild_routes.ts";
import { findMessage, listMessages, type Page } from "../actions/history.ts";
import { parseCreate, parseEdit } from "./message_body.ts";
import { deleteMessage, editMessage, postMessage } from "../actions/messages.ts";
import {
  nonceFor,
  toChannel,
  toMessage,
  toOwnUser,
  toUser,
  userPayload,
} from "../payloads/payloads.ts";
import { addReaction, removeReaction, startTyping } from "../actions/reactions.ts";
import { addThreadMember, openThread } from "../actions/threads.ts";
import { type Outcome, REFUSALS } from "../world/refusals.ts";
import { answerMalformed, answerProblems, answerRefused } from "./answers.ts";
import type { Asked, Env } from "./call.ts";
import { type IdentifyLimit, sessionStartLimit } from "../gateway/identify_limit.ts";
import { toSnowflake } from "../world/snowflake.ts";
import type { World, WorldEvent } from "../world/world.ts";

export interface RouteDeps {
  readonly world: World;
  /** The gateway's address in `/gateway`. */
  gatewayUrl(): string;
  readonly identifyLimit: IdentifyLimit;
  publish(events: readonly WorldEvent[]): void;
}

const refreshBody = z.strictObject({ attachment_urls: z.array(z.url()).min(1).max(50) });

export function createRoutes(deps: RouteDeps): Hono<Env> {
  const { world, publish } = deps;
  const app = new Hono<Env>();

  const self = (c: Asked): UserId => c.env.call.account.application.userId;
  const param = (c: Asked, name: string): string => c.req.param(name) ?? "";

  /** Publishes a command's event, and answers with its value or its refusal. */
  const settle = <Value>(outcome: Outcome<Value>, toBody?: (value: Value) => unknown) => {
    if (outcome.kind === "refused") return answerRefused(outcome.refused);
    publish(outcome.events);
    return toBody ? Response.json(toBody(outcome.value)) : new Response(null, { status: 204 });
  };

  app.get("/gateway/bot", (c) => {
    const { account, now } = c.env.call;
    return c.json({
      url: deps.gatewayUrl(),
      shards: 1,
      session_start_limit: sessionStartLimit(account, deps.identifyLimit, now),
    });
  });

  app.post("/attachments/refresh-urls", (c) => {
    const asked = refreshBody.safeParse(c.env.call.body);
    if (!asked.success) return answerMalformed(asked.error);
    // The simulator's links do not expire, so the new link is the old one without its date.
    return c.json({
      refreshed_urls: asked.data.attachment_urls.map((original) => ({
        original,
        refreshed: original.replace(/\?.*$/, ""),
      })),
    });
  });

  app.get("/users/@me", (c) => {
    const user = world.users.get(self(c));
    return user ? c.json(toOwnUser(user)) : answerRefused(REFUSALS.unknownUser);
  });
  app.get("/users/:user", (c) => {
    const id = parseSnowflake<"user">(param(c, "user"));
    const user = id && world.users.get(id);
    return user ? c.json(toUser(user)) : answerRefused(REFUSALS.unknownUser);
  });
  app.post("/users/@me/channels", (c) => {
    const parsed = DM_BODY.safeParse(c.env.call.body);
    if (!parsed.success) return answerMalformed(parsed.error);
    const id = parseSnowflake<"user">(parsed.data.recipient_id);
    const user = id && world.users.get(id);
    if (!user) return answerRefused(REFUSALS.unknownUser);
    if (user.isBot) return answerRefused(REFUSALS.cannotDm);
    const channel = openDirectChannel(world, self(c), user.id, c.env.call.now);
    return c.json(toChannel(world, channel, self(c)));
  });
  for (const path of ["/applications/@me", "/oauth2/applications/@me"]) {
    app.get(path, (c) => c.json(toApplication(world, c.env.call.account.application)));
  }
  app.patch("/applications/@me", (c) => {
    const parsed = APPLICATION_BODY.safeParse(c.env.call.body);
    if (!parsed.success) return answerMalformed(parsed.error);
    const outcome = changeFlags(world, c.env.call.account.application, parsed.data.flags);
    return settle(outcome, (application) => toApplication(world, application));
  });

  app.get("/channels/:channel", (c) => {
    const access = openChannel(world, param(c, "channel"), self(c), "view");
    if (access.kind === "refused") return answerRefused(access.refused);
    return c.json(toChannel(world, access.channel, self(c)));
  });
  app.post(
    "/channels/:channel/typing",
    (c) => settle(startTyping(world, param(c, "channel"), self(c), c.env.call.now)),
  );

  // Before the routes of messages: "pins" is no id.
  addContentRoutes(app, { world, self, publish });

  app.get("/channels/:channel/messages", (c) => {
    const access = openChannel(world, param(c, "channel"), self(c), "view");
    if (access.kind === "refused") return answerRefused(access.refused);
    const page = PAGE_QUERY.safeParse(c.req.query());
    if (!page.success) return answerMalformed(page.error);
    const messages = listMessages(world, access.channel, self(c), toPage(page.data));
    return c.json(messages.map((message) => toMessage(world, message, self(c))));
  });
  app.post("/channels/:channel/messages", (c) => {
    const { account, body, files, now } = c.env.call;
    const parsed = parseCreate(body, files);
    if (parsed.kind === "wrong") return answerProblems(parsed.problems);
    const draft = parsed.value;
    const author = { kind: "user", userId: self(c) } as const;
    const outcome = postMessage(world, param(c, "channel"), author, draft, now);
    if (draft.nonce !== undefined) {
      const nonce = String(draft.nonce);
      const asked = account.creates.get(nonce) ?? { attempts: 0, messages: new Set() };
      asked.attempts += 1;
      if (outcome.kind === "done") asked.messages.add(outcome.value.message.id);
      account.creates.set(nonce, asked);
    }
    return settle(outcome, ({ message }) => ({
      ...toMessage(world, message, self(c)),
      ...nonceFor(message, self(c)),
    }));
  });
  app.get("/channels/:channel/messages/:message", (c) => {
    const found = findMessage(world, param(c, "channel"), param(c, "message"), self(c));
    if (found.kind === "refused") return answerRefused(found.refused);
    if (!may(world, found.channel, self(c), "read_history")) {
      return answerRefused(REFUSALS.missingPermissions);
    }
    return c.json(toMessage(world, found.message, self(c)));
  });
  app.patch("/channels/:channel/messages/:message", (c) => {
    const { body, files, now } = c.env.call;
    const parsed = parseEdit(body, files);
    if (parsed.kind === "wrong") return answerProblems(parsed.problems);
    return settle(
      editMessage(world, param(c, "channel"), param(c, "message"), self(c), parsed.value, now),
      (message) => toMessage(world, message, self(c)),
    );
  });
  app.delete(
    "/channels/:channel/messages/:message",
    (c) => settle(deleteMessage(world, param(c, "channel"), param(c, "message"), self(c))),
  );

  app.post("/channels/:channel/messages/:message/threads", (c) => {
    const { body, now } = c.env.call;
    const parsed = THREAD_BODY.safeParse(body);
    if (!parsed.success) return answerMalformed(parsed.error);
    const { name, auto_archive_duration: archiveAfterMin } = parsed.data;
    const outcome = openThread(
      world,
      param(c, "channel"),
      param(c, "message"),
      self(c),
      { name, ...(archiveAfterMin !== undefined && { archiveAfterMin }) },
      now,
    );
    return settle(outcome, (thread) => toChannel(world, thread, self(c)));
  });
  app.put(
    "/channels/:channel/thread-members/:user",
    (c) => settle(addThreadMember(world, param(c, "channel"), self(c), param(c, "user"))),
  );

  const reactions = "/channels/:channel/messages/:message/reactions/:emoji";
  app.get(reactions, (c) => {
    const found = findMessage(world, param(c, "channel"), param(c, "message"), self(c));
    if (found.kind === "refused") return answerRefused(found.refused);
    const users = found.message.reactions.get(param(c, "emoji")) ?? [];
    return c.json(Array.from(users, (id) => userPayload(world, id)));
  });
  for (const [method, change] of [["PUT", addReaction], ["DELETE", removeReaction]] as const) {
    app.on(
      method,
      `${reactions}/@me`,
      (c) =>
        settle(change(world, param(c, "channel"), param(c, "message"), self(c), param(c, "emoji"))),
    );
  }

  addGuildRoutes(app, { world, self });
  addChannelRoutes(app, { world, self, publish });
  addMemberRoutes(app, { world, self, publish });
  addCommandRoutes(app, world);
  app.notFound(() => answerRefused(REFUSALS.notFound));
  return app;
}

const APPLICATION_BODY = z.strictObject({ flags: z.int().min(0).optional() });
const THREAD_BODY = z.strictObject({
  name: z.string().min(1).max(100),
  auto_archive_duration: z.literal([60, 1_440, 4_320, 10_080]).optional(),
});
const DM_BODY = z.strictObject({ recipient_id: z.string() });

const snowflakeQuery = z.string().regex(/^\d{1,20}$/).optional();
const PAGE_QUERY = z.strictObject({
  limit: z.string().regex(/^(?:[1-9]\d?|100)$/, "int value should be between 1 and 100.")
    .optional(),
  before: snowflakeQuery,
  after: snowflakeQuery,
  around: snowflakeQuery,
}).refine(
  ({ before, after, around }) =>
    [before, after, around].filter((id) => id !== undefined).length <= 1,
  { message: "before, after and around are mutually exclusive", params: { code: "EXCLUSIVE" } },
);

function toPage({ limit, before, after, around }: z.infer<typeof PAGE_QUERY>): Page {
  return {
    limit: limit === undefined ? 50 : Number(limit),
    ...(before && { before: toId(before) }),
    ...(after && { after: toId(after) }),
    ...(around && { around: toId(around) }),
  };
}

/** Clients write 0 for "from the beginning", and 0 is no id. */
function toId(digits: string): Snowflake {
  return parseSnowflake(digits) ?? toSnowflake("1");
}
