/**
 * A simulated Discord that costs less CPU time than the measured bots.
 *
 * The full simulator checks each request and remembers each message, which takes more CPU time than
 * a reply. This one sends the same payloads, made by the simulator's own code at its start, and
 * fills in only ids, times and texts. It enforces nothing: no rate limits, nonces, intents or
 * heartbeats. It keeps no messages, so each channel's history is empty and RESUME replays nothing.
 */

import { toApplication } from "../../simulator/payloads/application.ts";
import { toChannel, toOwnUser } from "../../simulator/payloads/payloads.ts";
import { nextId } from "../../simulator/world/snowflake.ts";
import type { TextChannel } from "../../simulator/world/world.ts";
import { type Discord, waitUntil } from "./discord.ts";
import { prepareMessages } from "./lean_messages.ts";
import { foundLeanWorld, type LeanWorld, type WorldSize } from "./lean_world.ts";

export interface LeanDiscord extends Discord {
  /** How sessions were opened, in order. */
  readonly opened: readonly Opening[];
  /** Sends a dispatch that no compared bot uses: the pins of a channel have changed. */
  pinsChanged(channel: string): void;
  /** Closes the bot's connection. */
  drop(code: number): void;
  /** Bytes for the bot that the kernel has not accepted yet. */
  backlogBytes(): number;
}

/** One IDENTIFY or RESUME; both times by `performance.now()`. */
export interface Opening {
  readonly kind: "identify" | "resume";
  /** Arrival time of the connection's upgrade request. */
  readonly connectedAt: number;
  readonly at: number;
}

interface Session {
  readonly id: string;
  seq: number;
  socket: WebSocket | undefined;
}

const HEARTBEAT_MS = 41_250;
const HOST = "127.0.0.1";

export function startLeanDiscord(size?: WorldSize, rooms?: number): LeanDiscord {
  const lean = foundLeanWorld(size, rooms);
  const { world, bot, guild } = lean;
  const messages = prepareMessages(lean);
  const opened: Opening[] = [];
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  let session: Session | undefined;

  const wake = (): void => waiting.forEach((look) => look());
  const dispatch = (t: string, d: string): void => {
    if (!session?.socket) return;
    session.seq += 1;
    session.socket.send(`{"t":"${t}","s":${session.seq},"op":0,"d":${d}}`);
  };

  const gateway = serve((request) => {
    const connectedAt = performance.now();
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    const open = (kind: Opening["kind"]): void => {
      opened.push({ kind, connectedAt, at: performance.now() });
      if (kind === "identify") {
        session = { id: crypto.randomUUID().replaceAll("-", ""), seq: 0, socket };
        dispatch("READY", readyOf(lean, session.id, gatewayUrl));
        for (const text of lean.guildPayloads) dispatch("GUILD_CREATE", text);
      } else if (session) {
        session.socket = socket;
        dispatch("RESUMED", "{}");
      }
      wake();
    };
    socket.onopen = () =>
      socket.send(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":${HEARTBEAT_MS}}}`);
    socket.onmessage = ({ data }) => {
      const { op, d } = JSON.parse(data);
      if (op === 1) socket.send('{"t":null,"s":null,"op":11,"d":null}');
      if (op === 2) open("identify");
      if (op !== 6) return;
      if (d.session_id === session?.id) open("resume");
      else socket.send('{"t":null,"s":null,"op":9,"d":false}');
    };
    socket.onclose = () => {
      if (session?.socket === socket) session.socket = undefined;
    };
    return response;
  });
  const gatewayUrl = `ws://${HOST}:${gateway.addr.port}`;

  function channelNamed(name: string): TextChannel {
    const channel = lean.channelOf(name);
    if (!channel) throw new RangeError(`There is no channel ${name}`);
    return channel;
  }

  async function create(channel: TextChannel, request: Request): Promise<Response> {
    for (const listener of listeners) listener();
    const body = await request.json();
    const id = nextId<"message">(world.ids, Date.now());
    const post = messages.post(channel, id, body);
    dispatch("MESSAGE_CREATE", post.dispatched);
    wake();
    return json(post.answered);
  }

  const rest = serve((request) => {
    const path = new URL(request.url).pathname.replace(/^\/api\/v10/, "");
    const [, first = "", id = "", third = ""] = path.split("/");
    if (first === "applications" && third === "commands") return json("[]"); // none are kept
    if (first === "channels") {
      const channel = lean.channelOf(id);
      if (!channel) return unknown(request);
      if (third === "") return json(JSON.stringify(toChannel(world, channel, bot.userId)));
      const isPlain = path.endsWith("/messages");
      if (isPlain) return request.method === "POST" ? create(channel, request) : json("[]");
      return new Response(null, { status: 204, headers: LIMITS }); // typing and reactions
    }
    if (path === "/gateway/bot") return json(directoryOf(gatewayUrl));
    if (path.endsWith("applications/@me")) return json(JSON.stringify(toApplication(world, bot)));
    if (path === "/gateway") return json(JSON.stringify({ url: gatewayUrl }));
    if (path === "/users/@me/guilds") return json(JSON.stringify(lean.guildList));
    if (path === "/users/@me") return json(JSON.stringify(toOwnUser(lean.botUser)));
    return unknown(request);
  });

  return {
    apiUrl: `http://${HOST}:${rest.addr.port}`,
    token: bot.token,
    guildId: guild.id,
    channels: lean.channels,
    opened,
    openings: () => opened.length,
    isOnline: () => session?.socket !== undefined,
    say(name, text, mentionsBot) {
      const id = nextId<"message">(world.ids, Date.now());
      dispatch("MESSAGE_CREATE", messages.say(channelNamed(name), id, text, mentionsBot));
    },
    pinsChanged(name) {
      const ids = { guild_id: guild.id, channel_id: channelNamed(name).id };
      const d = { ...ids, last_pin_timestamp: new Date().toISOString() };
      dispatch("CHANNEL_PINS_UPDATE", JSON.stringify(d));
    },
    onPost: (listener) => void listeners.add(listener),
    until: (check, signal) => waitUntil(check, signal, waiting),
    drop: (code) => session?.socket?.close(code),
    backlogBytes: () => session?.socket?.bufferedAmount ?? 0,
    async close() {
      session?.socket?.close();
      await Promise.all([gateway.shutdown(), rest.shutdown()]);
    },
  };
}

function serve(handler: (request: Request) => Response | Promise<Response>) {
  return Deno.serve({ hostname: HOST, port: 0, onListen() {} }, handler);
}

/** Discordeno waits a second before its next request to a route without a known limit. */
const LIMITS = {
  "x-ratelimit-limit": "100000",
  "x-ratelimit-remaining": "99999",
  "x-ratelimit-reset-after": "1",
  "x-ratelimit-bucket": "bench",
};
const JSON_HEADERS = { headers: { ...LIMITS, "content-type": "application/json" } };
const json = (text: string): Response => new Response(text, JSON_HEADERS);

/** Reports a request that this Discord does not support, because it may spoil a figure. */
function unknown({ method, url }: Request): Response {
  console.error(`the lean Discord does not know ${method} ${new URL(url).pathname}`);
  return Response.json({ message: "404: Not Found", code: 0 }, { status: 404 });
}

function directoryOf(url: string): string {
  const limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 1 };
  return JSON.stringify({ url, shards: 1, session_start_limit: limit });
}

function readyOf({ bot, botUser, guildIds }: LeanWorld, sessionId: string, url: string): string {
  return JSON.stringify({
    v: 10,
    user: toOwnUser(botUser),
    guilds: guildIds.map((id) => ({ id, unavailable: true })),
    session_id: sessionId,
    resume_gateway_url: url,
    shard: [0, 1],
    application: { id: bot.id, flags: 1 << 19 },
    private_channels: [],
    _trace: [],
  });
}
