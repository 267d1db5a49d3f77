/**
 * Serves the page on which one person plays several people on the simulated Discord, and sees the
 * bot's decision about each message.
 *
 * It is an application without a socket. The page gets one event with everything, then news; acts
 * of people come back by POST. The page holds no secret, but a button on it kills a process. So the
 * server in front of it refuses requests of other sites' pages.
 */

import { type Context, type Handler, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Simulator } from "../simulator.ts";
import type { WorldEvent } from "../world/world.ts";
import { ACTS } from "./acts.ts";
import { ASSETS } from "./assets.ts";
import type { BotPanel, BotPanelNews, BotState, Judged } from "./bot_panel.ts";
import { createCalls } from "./call.ts";
import { createFeed, type Feed } from "./feed.ts";
import { answerFile } from "./files.ts";
import { ACT_ROUTES, PAGE_ROUTES } from "./routes.ts";
import { createUses } from "./use.ts";
import { type SeenMessage, type SeenWorld, viewMessage, viewSaid, viewWorld } from "./view.ts";

/** A suggested message. */
export interface Prompt {
  readonly text: string;
  /** Who sends it; absent: the person that the user plays. */
  readonly by?: "owner";
}

export interface PageOptions {
  readonly simulator: Simulator;
  readonly panel: BotPanel;
  /** Suggested messages, to send with one click. */
  readonly prompts: readonly Prompt[];
  /** Gets a fault of ours; the client learns only that there was one. */
  readonly onError: (error: unknown) => void;
}

export interface Page {
  fetch(request: Request): Response | Promise<Response>;
  /** Ends the streams of all open pages. */
  close(): void;
}

export interface Opening {
  readonly world: SeenWorld;
  readonly prompts: readonly Prompt[];
  readonly bot: BotState;
  readonly judged: readonly Judged[];
}

/** News after it, one by one. */
export type PageNews =
  | BotPanelNews
  | { readonly kind: "message"; readonly message: SeenMessage }
  | { readonly kind: "deleted"; readonly messageId: string }
  | { readonly kind: "typing"; readonly channelId: string; readonly userId: string }
  /** A message that only one person sees. */
  | { readonly kind: "whisper"; readonly userId: string; readonly message: SeenMessage }
  /** Places or people have changed: everything again. */
  | { readonly kind: "world"; readonly world: SeenWorld };

/** News that may wait for the page to read them. */
const FEED_LIMIT = 2_000;

/**
 * Maximum characters of a person's message, with Discord's subscription; a bot may send half as
 * many.
 */
const TEXT_MAX = 4_000;

/** Milliseconds until the browser connects again, such as after "Start over". */
const RECONNECT_MS = 500;

export function createPage(options: PageOptions): Page {
  const { simulator, panel, prompts, onError } = options;
  const feeds = new Set<Feed<PageNews>>();
  const app = new Hono();
  // Every person can write to the bot here; a client has this channel once its user has opened the
  // bot's profile.
  for (const { id, isBot } of simulator.world.users.values()) {
    if (!isBot) simulator.channel("dm", id);
  }
  const tell = (news: PageNews) => {
    for (const feed of feeds) feed.push(news);
  };
  const seeWorld = () => viewWorld(simulator.world, simulator.application.userId);
  const closing = new AbortController();
  const uses = createUses({
    simulator,
    closed: closing.signal,
    onWhisper: (userId, message) =>
      tell({ kind: "whisper", userId, message: viewMessage(simulator.world, message) }),
  });
  const calls = createCalls({
    simulator,
    uses,
    closed: closing.signal,
    onSaid({ as, in: channelId }, text, isBot) {
      const { world, application } = simulator;
      const userId = isBot ? application.userId : simulator.user(as);
      const message = viewSaid(world, simulator.channel(channelId, as).id, userId, text);
      tell({ kind: "whisper", userId: as, message });
    },
  });
  const stops = [
    panel.subscribe(tell),
    simulator.subscribe((event) => {
      const news = newsOf(event, simulator, seeWorld);
      if (news) tell(news);
    }),
  ];

  const handlers: Readonly<Record<keyof typeof ACT_ROUTES, Handler>> = {
    events: (c) =>
      streamSSE(c, async (stream) => {
        const feed = createFeed<PageNews>(FEED_LIMIT);
        stream.onAbort(feed.close);
        feeds.add(feed);
        try {
          const opening: Opening = {
            world: seeWorld(),
            prompts,
            bot: panel.bot(),
            judged: panel.judged(),
          };
          const data = JSON.stringify(opening);
          await stream.writeSSE({ event: "opening", data, retry: RECONNECT_MS });
          for await (const news of feed.read()) {
            await stream.writeSSE({ event: "news", data: JSON.stringify(news) });
          }
        } finally {
          feeds.delete(feed);
        }
      }),
    file: (c) => {
      const { channel = "", file = "" } = c.req.param();
      return answerFile(simulator.world, { channel, file });
    },
    say: (c) =>
      act(c, ACTS.say, ({ as, channel, text, replyTo }) => {
        if (text.length > TEXT_MAX) {
          throw new RangeError(
            `Discord takes ${TEXT_MAX} characters, and these are ${text.length}`,
          );
        }
        const reply = replyTo !== undefined && { replyTo };
        simulator.say({ as, in: channel, text, ...reply });
      }),
    click: (c) =>
      act(
        c,
        ACTS.click,
        ({ channel, button, ...on }) => uses.click({ ...on, in: channel, customId: button }),
      ),
    choose: (c) =>
      act(
        c,
        ACTS.choose,
        ({ channel, menu, ...on }) => uses.choose({ ...on, in: channel, customId: menu }),
      ),
    call: (c) => act(c, ACTS.call, ({ as, channel }) => calls.call({ as, in: channel })),
    speak: (c) =>
      act(c, ACTS.speak, ({ as, channel, text }) => calls.speak({ as, in: channel }, text)),
    hangUp: (c) => act(c, ACTS.hangUp, ({ as, channel }) => calls.hangUp({ as, in: channel })),
    kill: (c) => act(c, ACTS.kill, () => panel.kill()),
  };
  for (const [path, { type, text }] of Object.entries(ASSETS)) {
    app.get(path, (c) => c.body(text, 200, { "Content-Type": `${type}; charset=utf-8` }));
  }
  for (const [name, { method, path, maxBodyBytes }] of Object.entries(ACT_ROUTES)) {
    const onError = (c: Context) => c.text("The request is too long", 413);
    if (maxBodyBytes > 0) {
      // The server ends such a connection, and to read its rest would be an error of ours.
      app.on(
        method,
        path,
        (c, next) =>
          c.req.header("transfer-encoding") === undefined
            ? next()
            : Promise.resolve(c.text("The body must announce its length", 411)),
      );
      app.on(method, path, bodyLimit({ maxSize: maxBodyBytes, onError }));
    }
    app.on(method, path, handlers[name as keyof typeof ACT_ROUTES]);
  }
  for (const { method, path } of PAGE_ROUTES) {
    app.all(path, (c) =>
      c.text(`This address takes ${method} only`, 405, {
        Allow: method === "GET" ? "GET, HEAD" : method,
      }));
  }

  app.notFound((c) => c.text("Nothing here", 404));
  app.onError((error, c) => {
    onError(error);
    return c.text("The simulator failed", 500);
  });

  /** Reads a person's act, does it, and returns Discord's refusal, if there is one. */
  async function act<Act>(
    c: Context,
    schema: z.ZodType<Act>,
    perform: (act: Act) => void | Promise<void>,
  ): Promise<Response> {
    const read = schema.safeParse(await c.req.json().catch(() => undefined));
    if (!read.success) return c.text("This page makes no such request", 400);
    const who = asOf(read.data);
    if (who !== undefined && !isPerson(simulator, who)) {
      return c.text("Only people can act here, and no person has this name", 400);
    }
    try {
      await perform(read.data);
    } catch (error) {
      if (error instanceof RangeError) return c.text(error.message, 400); // the simulator's refusal
      throw error;
    }
    return c.body(null, 204);
  }

  return {
    fetch: (request) => app.fetch(request),
    close() {
      closing.abort();
      for (const stop of stops) stop();
      for (const feed of feeds) feed.close();
    },
  };
}

function newsOf(
  event: WorldEvent,
  { world }: Simulator,
  seeWorld: () => SeenWorld,
): PageNews | undefined {
  switch (event.kind) {
    case "message_created":
    case "message_updated":
    case "reaction_added":
    case "reaction_removed":
      return { kind: "message", message: viewMessage(world, event.message) };
    case "message_deleted":
      return { kind: "deleted", messageId: event.message.id };
    case "voice_changed":
    case "voice_server_changed":
      return undefined; // the page does not show who is in a call
    case "typing_started":
      return { kind: "typing", channelId: event.channelId, userId: event.userId };
    default:
      return { kind: "world", world: seeWorld() };
  }
}

function asOf(act: unknown): string | undefined {
  return typeof act === "object" && act !== null && "as" in act ? String(act.as) : undefined;
}

/** Bots act by themselves. */
function isPerson({ world }: Simulator, id: string): boolean {
  return [...world.users.values()].some((user) => user.id === id && !user.isBot);
}
