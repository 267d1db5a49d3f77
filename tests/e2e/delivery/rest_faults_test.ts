/**
 * Tests faulty REST servers: the queue survives, order holds, memory is bounded, and the reply
 * arrives once when the server recovers.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { accountOf, type Owed, settled } from "../../support/bot/account.ts";
import { type Misdeed, startBadRest } from "../../support/discord/bad_rest.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { judge } from "../../support/bot/survival.ts";

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
const OPTIONS = {
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
  it("whatever it does", () =>
    withSimulation(OPTIONS, async (scene) => {
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
        ["general", "off-topic"].map((channel) => ({
          channel,
          pieces: pieces(channel),
        })),
      );
      assert.deepEqual(bad.strayed, []); // the token is sent to the API only
    }));
});

/** The peak memory of a process; 0 if the kernel does not report it. */
function peakMibOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024;
}
