/**
 * The Discord of the benches, which costs less CPU time than the measured bots.
 *
 * The simulator of the tests checks each request and remembers each message, which takes more CPU
 * time than a reply. This one sends the same payloads, made by the simulator's own code, and fills in
 * only ids, times and texts. It enforces nothing, and keeps no messages, so each history is empty.
 */

import { demoWorld } from "../simulator/actions/demo_world.ts";
import { toDispatch } from "../simulator/gateway/dispatches.ts";
import { toApplication } from "../simulator/payloads/application.ts";
import { toCreatedGuild } from "../simulator/payloads/guild.ts";
import { type Payload, toChannel, toMessage, toOwnUser } from "../simulator/payloads/payloads.ts";
import { addChannel } from "../simulator/world/create_world.ts";
import { DEFAULT_PERMISSIONS } from "../simulator/world/permissions.ts";
import { nextId } from "../simulator/world/snowflake.ts";
import type { Message, TextChannel } from "../simulator/world/world.ts";
import { createdAtMs, type MessageId, type UserId } from "../src/core/discord/ids.ts";

const CHANNELS = 50;

const HEARTBEAT_MS = 41_250;
const HOST = "127.0.0.1";
const REPLY = 19;
const ALL_INTENTS = 0x1_ffff;

export type Discord = ReturnType<typeof startDiscord>;

export function startDiscord() {
  const { world, krill, barnacle } = demoWorld();
  const names = Array.from({ length: CHANNELS }, (_, number) => `krill-${number}`);
  for (const name of names) addChannel(world, krill, { name }, Date.now());
  const botUser = world.users.get(barnacle.userId);
  const owner = [...world.users.values()].find(({ username }) => username === "ada");
  if (!botUser || !owner) throw new TypeError("The world lacks its people");
  const byKey = new Map<string, TextChannel>();
  for (const channel of world.channels.values()) {
    if (channel.kind !== "text" || channel.guildId !== krill.id) continue;
    byKey.set(channel.name, channel).set(channel.id, channel);
  }
  const viewer = { userId: barnacle.userId, intents: ALL_INTENTS };
  const listeners = new Set<() => void>();
  const fixed = new Map<string, string>();
  let openings = 0;
  let heartbeats = 0;
  let seq = 0;
  let bot: WebSocket | undefined;

  const send = (t: string, d: string): void => {
    seq += 1;
    bot?.send(`{"t":"${t}","s":${seq},"op":0,"d":${d}}`);
  };

  const identify = (socket: WebSocket): void => {
    bot = socket;
    seq = 0;
    const ready = {
      v: 10,
      user: toOwnUser(botUser),
      guilds: [{ id: krill.id, unavailable: true }],
      session_id: crypto.randomUUID().replaceAll("-", ""),
      resume_gateway_url: gatewayUrl,
      shard: [0, 1],
      application: { id: barnacle.id, flags: 1 << 19 },
      private_channels: [],
    };
    send("READY", JSON.stringify(ready));
    send("GUILD_CREATE", JSON.stringify(toCreatedGuild(world, krill, viewer)));
    openings += 1;
  };

  const gateway = serve((request) => {
    const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
    socket.onopen = () =>
      socket.send(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":${HEARTBEAT_MS}}}`);
    socket.onmessage = ({ data }) => {
      const { op } = JSON.parse(data);
      if (op === 1) {
        heartbeats += 1;
        socket.send('{"t":null,"s":null,"op":11,"d":null}');
      }
      if (op === 2) identify(socket);
    };
    socket.onclose = () => {
      if (bot === socket) bot = undefined;
    };
    return response;
  });
  const gatewayUrl = `ws://${HOST}:${gateway.addr.port}`;

  /** The JSON behind id, type, time and content, made once for each channel and kind. */
  function restOf(
    kind: "ask" | "echo" | "answer",
    channel: TextChannel,
    userId: UserId,
    mentioned: readonly UserId[],
    toPayload: (message: Message) => Payload | undefined,
  ): string {
    const key = `${kind} ${channel.id}`;
    const known = fixed.get(key);
    if (known !== undefined) return known;
    const payload = toPayload({
      id: nextId<"message">(world.ids, Date.now()),
      channelId: channel.id,
      author: { kind: "user", userId },
      content: "",
      pings: { everyone: false, users: mentioned, roles: [] },
      attachments: [],
      embeds: [],
      components: [],
      flags: 0,
      isTts: false,
      reactions: new Map(),
    });
    const { id: _, type: __, timestamp: ___, content: ____, ...rest } = payload ?? {};
    const text = JSON.stringify(rest).slice(1);
    fixed.set(key, text);
    return text;
  }
  const dispatched = (message: Message): Payload | undefined =>
    toDispatch(world, { kind: "message_created", message }, viewer)?.d;

  async function create(channel: TextChannel, request: Request): Promise<Response> {
    for (const listener of listeners) listener();
    const { content = "", nonce, message_reference: reference } = await request.json();
    const { userId } = barnacle;
    // The quoted message counts as deleted: nothing is kept here.
    const quote = reference
      ? `"message_reference":${JSON.stringify(reference)},"referenced_message":null,`
      : "";
    const nonceText = nonce === undefined ? "" : `"nonce":${JSON.stringify(nonce)},`;
    const id = nextId<"message">(world.ids, Date.now());
    const head = `{${nonceText}${headOf(id, reference ? REPLY : 0, content)}${quote}`;
    send("MESSAGE_CREATE", head + restOf("echo", channel, userId, [], dispatched));
    return json(
      head + restOf("answer", channel, userId, [], (own) => toMessage(world, own, userId)),
    );
  }

  const rest = serve((request) => {
    const path = new URL(request.url).pathname.replace(/^\/api\/v10/, "");
    const [, first = "", id = "", third = ""] = path.split("/");
    if (first === "applications" && third === "commands") return json("[]"); // none are kept
    if (first === "channels") {
      const channel = byKey.get(id) ?? byKey.get(names[0] ?? ""); // any thread
      if (!channel) return unknown(request);
      if (third === "") return jsonOf(toChannel(world, channel, barnacle.userId));
      if (!path.endsWith("/messages")) return new Response(null, { status: 204, headers: LIMITS });
      return request.method === "POST" ? create(channel, request) : json("[]");
    }
    if (path === "/gateway/bot") {
      const limit = { total: 1_000, remaining: 1_000, reset_after: 0, max_concurrency: 16 };
      return jsonOf({ url: gatewayUrl, shards: 1, session_start_limit: limit });
    }
    if (path.endsWith("applications/@me")) return jsonOf(toApplication(world, barnacle));
    if (path === "/gateway") return jsonOf({ url: gatewayUrl });
    if (path === "/users/@me/guilds") {
      const { name } = krill;
      const own = { owner: false, permissions: String(DEFAULT_PERMISSIONS), features: [] };
      return jsonOf([{ id: krill.id, name, icon: null, banner: null, ...own }]);
    }
    if (path === "/users/@me") return jsonOf(toOwnUser(botUser));
    return unknown(request);
  });

  return {
    apiUrl: `http://${HOST}:${rest.addr.port}`,
    token: barnacle.token,
    /** The guild in which the bot may answer. */
    guildId: krill.id,
    /** Names of the guild's channels in which people write at once. */
    channels: names,
    botId: barnacle.userId,
    /** Ids of the channels in which people write. */
    channelIds: names.flatMap((name) => byKey.get(name)?.id ?? []),
    /** Sends any dispatch. */
    send: (type: string, data: object) => send(type, JSON.stringify(data)),
    /** Number of arrived IDENTIFYs. */
    openings: () => openings,
    /** Number of arrived heartbeats. */
    heartbeats: () => heartbeats,
    /** Asks the bot for a heartbeat (op 1). */
    askHeartbeat: () => bot?.send('{"t":null,"s":null,"op":1,"d":null}'),
    /** Posts a message of the owner in a channel, which mentions the bot. */
    ask(name: string, text: string) {
      const channel = byKey.get(name);
      if (!channel) throw new RangeError(`There is no channel ${name}`);
      const id = nextId<"message">(world.ids, Date.now());
      const head = headOf(id, 0, `<@${barnacle.userId}> ${text}`);
      const ends = restOf("ask", channel, owner.id, [barnacle.userId], dispatched);
      send("MESSAGE_CREATE", `{${head}${ends}`);
    },
    /** Calls `listener` when a request arrives that creates a message. */
    onPost: (listener: () => void) => void listeners.add(listener),
    async close(): Promise<void> {
      bot?.close();
      await Promise.all([gateway.shutdown(), rest.shutdown()]);
    },
  };
}

function serve(handler: (request: Request) => Response | Promise<Response>) {
  return Deno.serve({ hostname: HOST, port: 0, onListen() {} }, handler);
}

/** A client may wait before its next request to a route without a known limit. */
const LIMITS = {
  "x-ratelimit-limit": "100000",
  "x-ratelimit-remaining": "99999",
  "x-ratelimit-reset-after": "1",
  "x-ratelimit-bucket": "bench",
};

const json = (text: string): Response =>
  new Response(text, { headers: { ...LIMITS, "content-type": "application/json" } });

const jsonOf = (value: unknown): Response => json(JSON.stringify(value));

/** Reports a request that this Discord does not support, because it may spoil a figure. */
function unknown({ method, url }: Request): Response {
  console.error(`the lean Discord does not know ${method} ${new URL(url).pathname}`);
  return Response.json({ message: "404: Not Found", code: 0 }, { status: 404 });
}

function headOf(id: MessageId, type: number, content: string): string {
  const at = new Date(createdAtMs(id)).toISOString();
  return `"id":"${id}","type":${type},"timestamp":"${at}","content":${JSON.stringify(content)},`;
}
