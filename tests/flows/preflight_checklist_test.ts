/**
 * The eight questions at the end of the connection guide. Each has a finding that names the fault
 * and the next step, and `docs/connection.md` has the finding's title.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Finding } from "../../src/core/finding.ts";
import { parseSnowflake } from "../../src/core/discord/ids.ts";
import { judgeRuns } from "../../src/flows/preflight/last_run.ts";
import { type DiscordFacts, judgeDiscord } from "../../src/flows/preflight/discord.ts";
import { type HostFacts, judgeHost } from "../../src/extras/diagnose/host/host.ts";
import { judgeNetwork, type NetworkFacts } from "../../src/flows/preflight/network.ts";
import { healthFinding } from "../../src/http/health_finding.ts";
import type { HttpFound, Reachability } from "../../src/lib/network/reachability.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const MINUTE_MS = 60_000;
const DOCS = readFileSync(join(import.meta.dirname!, "..", "..", "docs", "connection.md"), "utf8");

/** Titles of findings that the page names: in a table, or as rows of `doctor` in a list. */
const TITLES: ReadonlySet<string> = new Set(
  [
    ...Array.from(DOCS.matchAll(/^\|(.+)\|$/gm), ([, row = ""]) => row.split("|"))
      .flatMap((cells) => cells.slice(0, 2)),
    ...Array.from(DOCS.matchAll(/\(row of `doctor`:\s([^)]+)\)/g), ([, rows = ""]) => rows),
  ].flatMap((cell) => cell.split(",")).map((title) => title.trim().replace(/\s+/g, " ")),
);

const bot = {
  id: parseSnowflake<"application">("1500000000000000002")!,
  name: "barnacle",
  needsCodeGrant: false,
};
const discord = (facts: Partial<DiscordFacts>): readonly Finding[] =>
  judgeDiscord({
    application: { kind: "answered", found: bot },
    tokenShape: "token",
    tokenPlace: "DISCORD_BOT_TOKEN",
    intents: { missing: [], spared: [] },
    hasGuild: { kind: "answered", found: true },
    ...facts,
  }, NOW);
const host = (facts: Partial<HostFacts>): readonly Finding[] =>
  judgeHost({ dataDir: "/data", store: { kind: "none" }, bot: { kind: "none" }, ...facts });

const REACH: Reachability = {
  host: "discord.com",
  port: 443,
  dns: { kind: "ok", ms: 1, found: { addresses: ["1.1.1.1"] } },
  tcp: { kind: "failed", ms: 10_000, code: "no answer in time" },
  tls: { kind: "skipped", why: "earlier" },
};
const network = (rest: Partial<NetworkFacts["rest"]>): readonly Finding[] =>
  judgeNetwork({
    rest: { reach: REACH, http: { kind: "skipped", why: "earlier" }, ...rest },
    gateway: { reach: REACH, hello: { kind: "skipped", why: "earlier" } },
    isContainer: false,
    unusableProxies: [],
    showsDns: true,
    expectsGateway: true,
  }, NOW);
const limited: HttpFound = { status: 429, server: "cloudflare", retryAfterSec: 3_600 };

const running = { kind: "answers", pid: 7, phase: "running", failed: [] } as const;
const killed = [1, 2, 3].map((minute) => ({
  startedAt: NOW - 60 * MINUTE_MS,
  aliveAt: NOW - minute * MINUTE_MS,
}));

const CHECKLIST: readonly (readonly [asks: string, id: string, findings: readonly Finding[]])[] = [
  ["1. is the token correct", "discord.token", discord({ application: { kind: "refused" } })],
  [
    "2. are the intents enabled",
    "discord.intents.message_content",
    discord({ intents: { missing: ["message_content"], spared: [] } }),
  ],
  [
    "3. is the bot invited",
    "discord.guilds",
    discord({ hasGuild: { kind: "answered", found: false } }),
  ],
  [
    "3. can it be invited at all",
    "discord.invite",
    discord({ application: { kind: "answered", found: { ...bot, needsCodeGrant: true } } }),
  ],
  [
    "4. are you blocking the event loop",
    "host.eventLoop",
    host({ bot: { ...running, eventLoopLagMs: 9_000 } }),
  ],
  [
    "5. does the host kill idle processes",
    "host.runs",
    [judgeRuns(killed, NOW, undefined, { name: "Replit", variable: "REPL_ID" })],
  ],
  [
    "6. are you hitting rate limits",
    "network.rest.http",
    network({ http: { kind: "ok", ms: 1, found: limited } }),
  ],
  [
    "6. and the one of IDENTIFYs",
    "discord.identifies",
    discord({ budget: { left: 40, heldUntil: NOW + MINUTE_MS } }),
  ],
  ["7. can the gateway be reached", "network.gateway.tcp", network({})],
  [
    "8. do several instances run here",
    "host.instance",
    host({ token: { kind: "held", pid: 9, dataDir: "/old" } }),
  ],
  [
    "8. or elsewhere",
    "bot.instance:lock",
    host({
      bot: {
        ...running,
        eventLoopLagMs: 1,
        failed: [healthFinding("instance:lock", "a strange message", { status: "warn" })],
      },
    }),
  ],
];

describe("[O3] the guide's checklist", () => {
  for (const [asks, id, findings] of CHECKLIST) {
    it(`${asks}: ${id}`, () => {
      const found = findings.find((one) => one.id === id);
      assert.ok(found?.status === "fail" || found?.status === "warn", found?.status);
      assert.ok(found.why.length > 10);
      assert.ok(found.fix, "the one thing to do");
      assert.ok(
        TITLES.has(found.what) || TITLES.has(found.what.replace(/^[^:]+:/, "…:")),
        `docs/connection.md has no row ${found.what}`,
      );
    });
  }

  it("covers all eight questions", () => {
    assert.deepEqual(
      [...new Set(CHECKLIST.map(([asks]) => asks.charAt(0)))],
      ["1", "2", "3", "4", "5", "6", "7", "8"],
    );
  });
});
