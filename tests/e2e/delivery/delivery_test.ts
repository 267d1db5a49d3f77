/** Tests messages whose nonce Discord has forgotten, lost responses, and faulty REST servers. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accountOf, type Owed, settled } from "../../support/bot/account.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";

/** The treatment of one request instead of passing it on. */
type Misdeed = (outgoing: ServerResponse, discord: Discord) => void | Promise<void>;

interface Discord {
  /** Passes the request to Discord, and returns the answer. */
  ask(): Promise<Passed>;
  /** The body of the request as text. */
  readonly body: string;
}

interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

interface BadRest extends AsyncDisposable {
  /** For `DISCORD_API_URL`. */
  readonly url: string;
  /** Sets the treatment of later messages to this channel. */
  spoil(channelId: string, misdeed: Misdeed): void;
  /** Removes all treatments. */
  recover(): void;
  /** Number of treated requests since the last {@link BadRest.spoil}. */
  spoilt(): number;
  /** Paths outside the API: targets of redirects. */
  readonly strayed: readonly string[];
}

/** @param target Base of the simulated API. */
async function startBadRest(target: string): Promise<BadRest> {
  let bad: { readonly path: RegExp; readonly misdeed: Misdeed } | undefined;
  let spoilt = 0;
  const strayed: string[] = [];

  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => outgoing.destroy()); // the client has left
    void treat(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function treat(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    if (!url.startsWith("/api/")) strayed.push(url);
    const body = await bodyOf(incoming);
    const ask = () => pass(new URL(url, target), method, incoming.headers, body);
    if (bad && method === "POST" && bad.path.test(url)) {
      spoilt += 1;
      return await bad.misdeed(outgoing, { ask, body: new TextDecoder().decode(body) });
    }
    const answer = await ask();
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    strayed,
    spoil(channelId, misdeed) {
      bad = { path: new RegExp(`/channels/${channelId}/messages$`), misdeed };
      spoilt = 0;
    },
    recover() {
      bad = undefined;
    },
    spoilt: () => spoilt,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function pass(
  url: URL,
  method: string,
  headers: IncomingMessage["headers"],
  body: Uint8Array,
): Promise<Passed> {
  return new Promise((resolve, reject) => {
    const passed = request(url, {
      method,
      headers: { ...headers, host: url.host, connection: "close" },
      agent: false,
    }, (answer) => {
      bodyOf(answer).then((read) =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: withoutHops(answer.headers),
          body: read,
        }), reject);
    });
    passed.on("error", reject);
    passed.end(body);
  });
}

/** Headers about one connection, not about the answer. */
function withoutHops(headers: IncomingMessage["headers"]): Passed["headers"] {
  const hops = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hops.has(name)));
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const WINDOW_MS = 1_000;
const OPTIONS = {
  discord: () => ({ rest: { timeoutSec: 1, nonceWindowSec: WINDOW_MS / 1_000 } }),
  simulator: { nonceWindowMs: WINDOW_MS + 200, rateLimits: false },
} as const;

const ONLINE = /Discord began a new session/;

/** The process dies as the request arrives, and Discord forgets the nonce before the next start. */
async function dieAsking(scene: Scene, isDone: boolean): Promise<void> {
  const { simulator, start, say, mention } = scene;
  const bot = await start();
  if (!isDone) {
    const fault = { kind: "reset" } as const;
    simulator.faults.rest.add({ method: "POST", route: "/channels/:id/messages", times: 1, fault });
  }
  const stop = simulator.requests.subscribe(({ method, route }) => {
    if (method === "POST" && route === "/channels/:id/messages") bot.kill("SIGKILL");
  });
  say("grace", "general", `${mention} q1.`);
  assert.deepEqual(await ended(bot), KILLED);
  stop();
  simulator.faults.gateway.forgetSessions(); // otherwise the echo would reveal it
  await sleep(WINDOW_MS + 300);
}

const created = ({ simulator }: Scene) =>
  simulator.requests.records().filter(({ method, route }) =>
    method === "POST" && route === "/channels/:id/messages"
  );

describe("[D2] a message whose nonce Discord has forgotten", () => {
  it("is not sent again if the channel shows it", () =>
    withSimulation(OPTIONS, async (scene) => {
      await dieAsking(scene, true);
      await scene.line(scene.startBot(), ONLINE);
      scene.say("grace", "general", `${scene.mention} q2.`);
      const texts = await scene.replies("general", 2);
      assert.deepEqual(texts.map((text) => /q\d/.exec(text)?.[0]), ["q1", "q2"]);
      assert.equal(created(scene).length, 2);
    }));
});

/**
 * Tests faulty REST servers: the queue survives, order holds, memory is bounded, and the reply
 * arrives once when the server recovers.
 */

const PAGE = "<!doctype html><title>Sign in to the hotel's network</title>";

const page = (status: number): Misdeed => (outgoing) => {
  outgoing.writeHead(status, { "Content-Type": "text/html; charset=utf-8" }).end(PAGE);
};

/** Begins the real response with a given length. */
function begin(outgoing: ServerResponse, body: Uint8Array): void {
  outgoing.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
  });
}

const MISDEEDS: readonly (readonly [what: string, misdeed: Misdeed])[] = [
  ["hangs", () => {}],
  ["does it, and hangs", async (_, discord) => void await discord.ask()],
  ["does it, and answers one byte a second", async (outgoing, discord) => {
    const { body } = await discord.ask();
    begin(outgoing, body);
    let sent = 0;
    const timer = setInterval(() => {
      outgoing.write(body.subarray(sent, sent + 1));
      sent += 1;
    }, 1_000);
    outgoing.once("close", () => clearInterval(timer));
  }],
  ["does it, and cuts its answer in the middle", async (outgoing, discord) => {
    const { body } = await discord.ask();
    begin(outgoing, body);
    outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
  }],
  ["does it, and answers with nothing", async (outgoing, discord) => {
    await discord.ask();
    outgoing.writeHead(200, { "Content-Length": "0" }).end();
  }],
  ["answers with nothing", (outgoing) => void outgoing.writeHead(200).end()],
  ["answers with a page", page(200)],
  ["answers 400 with a page", page(400)],
  ["answers 403 with a page", page(403)],
  ["answers 404 with a page", page(404)],
  ["answers 413 with a page", page(413)],
  ["answers 502 with a page", page(502)],
  ["answers 429 without a header", (outgoing) => void outgoing.writeHead(429).end()],
  ["sends elsewhere", (outgoing) => {
    outgoing.writeHead(302, { "Location": "/elsewhere" }).end();
  }],
  ["resets the connection", (outgoing) => void outgoing.socket?.resetAndDestroy()],
  ["answers something that is not HTTP", (outgoing) => {
    outgoing.socket?.end("SSH-2.0-OpenSSH_9.2\r\n");
  }],
  ["answers without end", (outgoing) => {
    outgoing.writeHead(200, { "Content-Type": "application/json" });
    const more = () => {
      while (!outgoing.destroyed && outgoing.write(ENDLESS));
    };
    outgoing.on("drain", more);
    more();
  }],
];
const ENDLESS = Buffer.alloc(64 * 1024, "[");

/** Maximum memory in MiB, for any response. */
const PEAK_MIB = 400;

const PADDING = "krill ".repeat(15).trim();
const OPTIONS_OF_REST_FAULTS = {
  discord: () => ({
    textChunkLimit: 160,
    rest: { timeoutSec: 1 },
    retry: { minDelayMs: 20, maxDelayMs: 200 },
  }),
  simulator: { rateLimits: false },
} as const;

/** @param round Its name is in the words of each question. */
function ask({ say, mention }: Scene, round: string): readonly Owed[] {
  say("grace", "general", `${mention} ${round}a ${PADDING}\n${round}b ${PADDING}`);
  say("grace", "general", `${mention} ${round}c.`);
  say("ada", "off-topic", `${mention} ${round}d.`);
  return [
    { channel: "general", pieces: [`${round}a`, `${round}b`, `${round}c.`] },
    { channel: "off-topic", pieces: [`${round}d.`] },
  ];
}

describe("[D1] [D5] [D6] a faulty server delays one channel, and loses nothing", () => {
  it("for each of its faults", () =>
    withSimulation(OPTIONS_OF_REST_FAULTS, async (scene) => {
      const { simulator, start, written, until } = scene;
      await using bad = await startBadRest(simulator.apiUrl);
      const bot = await start({ DISCORD_API_URL: bad.url });
      const all: Owed[] = [];
      for (const [index, [what, misdeed]] of MISDEEDS.entries()) {
        bad.spoil(String(simulator.channel("general").id), misdeed);
        const owed = ask(scene, `q${index + 1}`);
        all.push(...owed);
        await until(`two requests: ${what}`, () => bad.spoilt() >= 2);
        await until(
          `the other channel: ${what}`,
          () => accountOf(owed.slice(1), written).lost.length === 0,
        );
        bad.recover();
        await until(`all answers: ${what}`, () => accountOf(owed, written).lost.length === 0);
        assert.deepEqual(accountOf(all, written), settled(all), what);
        assert.ok(peakMibOf(bot.pid) < PEAK_MIB, `${what}: ${peakMibOf(bot.pid)} MiB`);
      }
      const pieces = (where: string) =>
        all.flatMap(({ channel, pieces }) => channel === where ? pieces : []);
      await judge(
        scene,
        bot,
        ["general", "off-topic"].map((channel) => ({ channel, pieces: pieces(channel) })),
      );
      assert.deepEqual(bad.strayed, []); // the token is sent to the API only
    }));
});

/** The peak memory of a process; 0 if the kernel does not report it. */
function peakMibOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024;
}
