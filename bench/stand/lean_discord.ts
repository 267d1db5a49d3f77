/**
 * A simulated Discord that costs less CPU time than the measured bots.
 *
 * The full simulator checks each request and remembers each message, which takes more CPU time than
 * a reply. This one sends the same payloads, made by the simulator's own code at its start, and
 * fills in only ids, times and texts. It enforces nothing: no rate limits, nonces, intents or
 * heartbeats. It keeps no messages, so each channel's history is empty and RESUME replays nothing.
 *
 * Each shard has a session of its own. IDENTIFYs of several shards need no pause between them.
 */

import { toApplication } from "../../simulator/payloads/application.ts";
import { toChannel, toOwnUser } from "../../simulator/payloads/payloads.ts";
import { nextId } from "../../simulator/world/snowflake.ts";
import { type GuildId, shardOf } from "../../src/core/discord/ids.ts";
import type { TextChannel } from "../../simulator/world/world.ts";
import { type Discord, waitUntil } from "./discord.ts";
import { prepareMessages } from "./lean_messages.ts";
import { foundLeanWorld, type Homes, type LeanWorld, type WorldSize } from "./lean_world.ts";

export interface LeanDiscord extends Discord {
  /** How sessions were opened, in order. */
  readonly opened: readonly Opening[];
  /** Sends a dispatch that no compared bot uses: the pins of a channel have changed. */
  pinsChanged(channel: string): void;
  connected(): number;
  /** Closes the bot's connections. */
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
  readonly shard: number;
  seq: number;
  socket: WebSocket | undefined;
}

const HEARTBEAT_MS = 41_250;
const HOST = "127.0.0.1";

export function startLeanDiscord(size?: WorldSize, homes?: Homes): LeanDiscord {
  const lean = foundLeanWorld(size, homes);
  const { world, bot } = lean;
  const messages = prepareMessages(lean);
  const opened: Opening[] = [];
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  /** The newest session of each shard. */
  const sessions = new Map<number, Session>();
  let shards = 1;

  const wake = (): void => waiting.forEach((look) => look());
  const sockets = (): readonly WebSocket[] =>
    [...sessions.values()].flatMap(({ socket }) => socket ?? []);
  const send = (session: Session | undefined, t: string, d: string): void => {
    if (!session?.socket) return;
    session.seq += 1;
    session.socket.send(`{"t":"${t}","s":${session.seq},"op":0,"d":${d}}`);
  };
  const dispatch = (guildId: GuildId, t: string, d: string): void =>
    send(sessions.get(shards === 1 ? 0 : shardOf(guildId, shards)), t, d);

  const gateway = serve((request) => {
    const connectedAt = performance.now();
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    let session: Session | undefined;
    const opening = (kind: Opening["kind"]): void => {
      opened.push({ kind, connectedAt, at: performance.now() });
      wake();
    };
    const identify = ([shard, count]: readonly [number, number]): void => {
      shards = count;
      session = { id: crypto.randomUUID().replaceAll("-", ""), shard, seq: 0, socket };
      sessions.set(shard, session);
      const isHere = (id: GuildId) => count === 1 || shardOf(id, count) === shard;
      const guildIds = lean.guildIds.filter(isHere);
      send(session, "READY", readyOf(lean, guildIds, [shard, count], session.id, gatewayUrl));
      for (const id of guildIds) send(session, "GUILD_CREATE", lean.guildPayloads.get(id) ?? "{}");
      opening("identify");
    };
    const resume = (known: Session): void => {
      known.socket = socket;
      session = known;
      send(session, "RESUMED", "{}");
      opening("resume");
    };
    socket.onopen = () =>
      socket.send(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":${HEARTBEAT_MS}}}`);
    socket.onmessage = ({ data }) => {
      const { op, d } = JSON.parse(data);
      if (op === 1) socket.send('{"t":null,"s":null,"op":11,"d":null}');
      if (op === 2) identify(d.shard ?? [0, 1]);
      if (op !== 6) return;
      const known = [...sessions.values()].find(({ id }) => id === d.session_id);
      if (known) resume(known);
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
    dispatch(channel.guildId, "MESSAGE_CREATE", post.dispatched);
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
    guildIds: lean.homeIds,
    channels: lean.channels,
    opened,
    openings: () => opened.length,
    isOnline: () => sockets().length > 0,
    connected: () => sockets().length,
    say(name, text, mentionsBot) {
      const channel = channelNamed(name);
      const id = nextId<"message">(world.ids, Date.now());
      const said = messages.say(channel, id, text, mentionsBot);
      dispatch(channel.guildId, "MESSAGE_CREATE", said);
    },
    pinsChanged(name) {
      const { id, guildId } = channelNamed(name);
      const ids = { guild_id: guildId, channel_id: id };
      const d = { ...ids, last_pin_timestamp: new Date().toISOString() };
      dispatch(guildId, "CHANNEL_PINS_UPDATE", JSON.stringify(d));
    },
    onPost: (listener) => void listeners.add(listener),
    until: (check, signal) => waitUntil(check, signal, waiting),
    drop: (code) => sockets().forEach((socket) => socket.close(code)),
    backlogBytes: () => sockets().reduce((sum, { bufferedAmount }) => sum + bufferedAmount, 0),
    async close() {
      sockets().forEach((socket) => socket.close());
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
  const limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 16 };
  return JSON.stringify({ url, shards: 1, session_start_limit: limit });
}

function readyOf(
  { bot, botUser }: LeanWorld,
  guildIds: readonly GuildId[],
  shard: readonly [number, number],
  sessionId: string,
  url: string,
): string {
  return JSON.stringify({
    v: 10,
    user: toOwnUser(botUser),
    guilds: guildIds.map((id) => ({ id, unavailable: true })),
    session_id: sessionId,
    resume_gateway_url: url,
    shard,
    application: { id: bot.id, flags: 1 << 19 },
    private_channels: [],
    _trace: [],
  });
}
