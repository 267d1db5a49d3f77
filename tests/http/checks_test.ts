import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Finding, type Status, worstStatus } from "../../src/core/finding.ts";
import { isAlive, isReady, judgeHealth } from "../../src/http/checks.ts";
import type { AccountSnapshot, Snapshot } from "../../src/http/snapshot.ts";
import { channelId } from "../support/discord/builders.ts";
import { another, HEALTHY, NOW, only, READY, SERVING } from "../support/bot/health.ts";

type Connection = NonNullable<AccountSnapshot["connection"]>;
const away = (ms: number, state: Connection["state"] = "resuming"): Connection => ({
  state,
  readyAt: NOW - ms,
  isDown: false,
});
const acked = (msAgo: number): Connection => ({
  ...READY,
  ack: { at: NOW - msAgo, intervalMs: 40_000, latencyMs: 42 },
});
const inbox = (oldestMs: number): Partial<Snapshot> => ({ inbox: { ...HEALTHY.inbox, oldestMs } });
const outbox = (oldestMs: number): Partial<Snapshot> => ({
  outbox: { ...HEALTHY.outbox, oldestMs },
});
const budget = (left: number, change: Partial<Connection> = {}): Partial<Snapshot> =>
  only({
    identify: { left, ...(left <= 50 && { heldUntil: NOW + 1_000 }) },
    connection: { ...READY, ...change },
  });
const DISABLED: Partial<AccountSnapshot> = { state: "disabled", connection: undefined };
const ENDED: Partial<AccountSnapshot> = {
  state: "ended",
  end: "Discord refused the token",
  connection: { ...READY, state: "fatal" },
};
const both = (change: Partial<AccountSnapshot>, other: Partial<AccountSnapshot> = {}) => ({
  accounts: [{ ...SERVING, ...change }, another(other)],
});
const FINDING: Finding = {
  id: "discord.intents",
  what: "Intents",
  status: "warn",
  why: "the portal has not granted message_content",
};

describe("[O1] judgeHealth()", () => {
  const GATEWAY = "gateway:connection";
  const cases: readonly (readonly [string, Partial<Snapshot>, Status, ...notReady: string[]])[] = [
    ["a bot at work", {}, "pass"],
    ["[C7] no account enabled", only(DISABLED), "pass", "account:disabled"],
    ["a bot that is just connecting", only({ connection: away(0) }), "warn", GATEWAY],
    ["a bot away for a minute", only({ connection: away(60_000) }), "warn", GATEWAY],
    ["a bot away for longer", only({ connection: away(60_001) }), "fail", GATEWAY],
    ["a bot down", only({ connection: { ...away(0, "backoff"), isDown: true } }), "fail", GATEWAY],
    [
      "no heartbeat yet",
      only({ connection: { state: "ready", readyAt: NOW, isDown: false } }),
      "pass",
    ],
    ["an ACK of one interval", only({ connection: acked(40_000) }), "pass"],
    ["an older ACK", only({ connection: acked(40_001) }), "warn"],
    ["an ACK just under one and a half", only({ connection: acked(59_999) }), "warn"],
    ["an ACK of 1.5", only({ connection: acked(60_000) }), "warn", "gateway:heartbeatAckAge"],
    ["an ACK of two", only({ connection: acked(80_000) }), "warn", "gateway:heartbeatAckAge"],
    ["an older ACK still", only({ connection: acked(80_001) }), "fail", "gateway:heartbeatAckAge"],
    ["a disk at half a second", { store: { ...HEALTHY.store, probeMs: 500 } }, "pass"],
    ["a slower disk", { store: { ...HEALTHY.store, probeMs: 501 } }, "warn"],
    ["a bad disk", { store: { ...HEALTHY.store, isFailing: true } }, "fail", "storage:write"],
    ["a message unclaimed for a minute", inbox(60_000), "pass"],
    ["one for longer", inbox(60_001), "warn"],
    ["one for ten minutes", inbox(600_000), "warn"],
    ["one for longer than ten", inbox(600_001), "fail", "inbox:oldest"],
    ["a message unsent for half a minute", outbox(30_000), "pass"],
    ["one unsent for longer", outbox(30_001), "warn"],
    ["one unsent for two minutes", outbox(120_000), "warn", "outbox:oldest"],
    ["one unsent for more than two", outbox(120_001), "fail", "outbox:oldest"],
    [
      "the same while REST is down",
      { ...outbox(120_001), ...only({ rest: { ...SERVING.rest, isUp: false } }) },
      "warn",
      "outbox:oldest",
    ],
    ["a message that may be sent or not", { outbox: { ...HEALTHY.outbox, uncertain: 1 } }, "warn"],
    ["a message that Discord refuses for good", { outbox: { ...HEALTHY.outbox, dead: 1 } }, "warn"],
    [
      "[R11] a channel that it may not post in",
      only({
        parked: [{ channelId: channelId("7"), reason: "cannot post in #ops: …", waiting: 2 }],
      }),
      "warn",
    ],
    [
      "[D5] a message that waits because of failures",
      only({
        delayed: [{ row: 12, channelId: "7", reason: "failed with 502", nextAttemptAt: NOW }],
      }),
      "warn",
    ],
    ["[D3] 499 invalid requests", rest(499, "closed"), "pass"],
    ["[D3] more of them", rest(500, "slowed"), "warn"],
    ["[D3] so many that it stops", rest(2_000, "stopped"), "fail", "rest:invalidRequests"],
    [
      "[L3] a model whose failure the operator can end",
      { models: [{ id: "a", openAt: NOW, fix: "check the API key" }] },
      "warn",
      "llm:a",
    ],
    [
      "[L3] one with the server's words",
      { models: [{ id: "a", openAt: NOW, failure: "a answered 401: old key", fix: "renew it" }] },
      "warn",
      "llm:a",
    ],
    ["one model of two down", { models: [{ id: "a" }, { id: "b", openAt: 0 }] }, "warn"],
    ["all down for a minute", { models: [{ id: "a", openAt: NOW - 60_000 }] }, "warn", "llm:a"],
    ["all down for longer", { models: [{ id: "a", openAt: NOW - 60_001 }] }, "fail", "llm:a"],
    [
      "both down, one of them just now",
      { models: [{ id: "a", openAt: 0 }, { id: "b", openAt: NOW }] },
      "warn",
      "llm:a",
      "llm:b",
    ],
    [
      "[X4] a budget that is not spent",
      { budgets: [{ rule: "budgets.total.tokensPerDay", unit: "tokens", limit: 10, used: 9 }] },
      "pass",
    ],
    [
      "[T6] MCP servers that have connected, or connect for the first time",
      {
        mcpServers: [{ id: "a", state: "ready", tools: 2, said: [] }, {
          id: "b",
          state: "connecting",
          tools: 0,
          said: [],
        }],
      },
      "pass",
    ],
    [
      "[X4] a spent budget",
      { budgets: [{ rule: "budgets.total.tokensPerDay", unit: "tokens", limit: 10, used: 10 }] },
      "warn",
    ],
    [
      "[T6] an MCP server that fails",
      { mcpServers: [{ id: "a", state: "failing", tools: 0, problem: "gone", said: ["x", "y"] }] },
      "warn",
    ],
    [
      "[T6] an MCP server with tools that do not fit",
      { mcpServers: [{ id: "a", state: "ready", tools: 2, cut: ["huge is left out"], said: [] }] },
      "warn",
    ],
    ["[G5] 501 IDENTIFYs left", budget(501), "pass"],
    ["[G5] 500 left", budget(500), "warn"],
    ["[G5] a connected bot without any to spare", budget(50), "warn"],
    [
      "[G5] a bot that holds back",
      budget(50, { state: "backoff", waits: "budget" }),
      "fail",
      GATEWAY,
      "gateway:identifyBudget",
    ],
    ["[G5] a waiting bot", budget(900, { state: "backoff", waits: "spacing" }), "warn", GATEWAY],
    ["[G6] channels still to read", only({ catchUp: { pending: 2, unreadable: [] } }), "warn"],
    ["[G6] no right to read", only({ catchUp: { pending: 0, unreadable: ["#ops"] } }), "warn"],
    ["[G11] a twin", only({ twin: { since: NOW, evidence: "an unknown nonce" } }), "warn"],
    ["[G13] what the preflight found", only({ findings: [FINDING] }), "warn"],
    ["a loop that lags a second", { eventLoopLagMs: 1_000 }, "pass"],
    ["one that lags more", { eventLoopLagMs: 1_001 }, "warn"],
    ["one that lags ten", { eventLoopLagMs: 10_000 }, "warn"],
    ["one that lags more than ten", { eventLoopLagMs: 10_001 }, "fail", "process:eventLoopLag"],
    ["300 MB", { rssBytes: 300_000_000 }, "pass"],
    ["more than that", { rssBytes: 300_000_001 }, "warn"],
    ["more than 400 MB", { rssBytes: 400_000_001 }, "fail"],
    ["many that wait, not for long", { inbox: { waiting: 900, running: 4, oldestMs: 9 } }, "pass"],
    [
      "[C9] a config on the disk that is wrong",
      { config: { revision: "1", loadedAt: 0, since: NOW, problem: "config.jsonc:3:5 …" } },
      "warn",
    ],
    ["[C6] one account of two disabled", both({}, DISABLED), "pass"],
    ["[C6] one of two ended", both(ENDED), "warn"],
    ["[C6] ends", both(ENDED, ENDED), "fail", GATEWAY, "account:state", GATEWAY, "account:state"],
    [
      "[C6] one ended, the other disabled",
      both(ENDED, DISABLED),
      "fail",
      GATEWAY,
      "account:state",
      "account:disabled",
    ],
    ["[C6] one of two away for long", both({ connection: away(60_001) }), "fail", GATEWAY],
    ["[C6] one ended, the other away", both(ENDED, { connection: away(0) }), "warn", GATEWAY],
    [
      "[C6] what one account asks of Discord stopped",
      both({ rest: { isUp: true, invalidRequests: 2_000, breaker: "stopped" } }),
      "fail",
      "rest:invalidRequests",
    ],
    [
      "[C6] messages that are late while one account's REST is down",
      { ...outbox(120_001), ...both({}, { rest: { ...SERVING.rest, isUp: false } }) },
      "warn",
      "outbox:oldest",
    ],
    [
      "[C6] messages that are late, and an account that has ended for lack of REST",
      { ...outbox(120_001), ...both({}, { ...ENDED, rest: { ...SERVING.rest, isUp: false } }) },
      "fail",
      "outbox:oldest",
    ],
    ["a start", { phase: "starting" }, "warn", "lifecycle:phase"],
    ["a shutdown", { phase: "draining" }, "pass", "lifecycle:phase"],
  ];
  for (const [what, change, status, ...notReady] of cases) {
    it(`calls ${what} a ${status}${notReady.length > 0 ? ", and not ready" : ""}`, () => {
      const checks = judgeHealth({ ...HEALTHY, ...change }, NOW);
      assert.equal(worstStatus(checks), status);
      assert.deepEqual(checks.filter((c) => c.isReady === false).map((c) => c.id), notReady);
      assert.equal(isReady(checks), notReady.length === 0);
    });
  }
});

describe("[C6] judgeHealth() with several accounts", () => {
  const parts: Partial<AccountSnapshot> = {
    findings: [{ ...FINDING, where: "portal" }],
    parked: [{ channelId: channelId("7"), reason: "…", waiting: 1 }],
    delayed: [{ row: 12, channelId: "8", reason: "…", nextAttemptAt: NOW }],
    catchUp: { pending: 1, unreadable: ["#ops"] },
    twin: { since: NOW, evidence: "an unknown nonce" },
    rest: { isUp: true, invalidRequests: 0, breaker: "closed", limitedMs: 10_000 },
    paused: { by: "cli", since: NOW },
  };
  const idsOf = (snapshot: Partial<Snapshot>, name: string) =>
    judgeHealth({ ...HEALTHY, ...snapshot }, NOW).filter((check) => check.id === name)
      .map(({ where }) => where);
  const cases: readonly [name: string, alone: string, beside: string][] = [
    ["gateway:connection", "default", "default"],
    ["gateway:heartbeatAckAge", "default", "default"],
    ["gateway:compression", "default", "default"],
    ["gateway:identifyBudget", "default", "default"],
    ["gateway:catchUp", "default", "default"],
    ["gateway:unreadable", "#ops", "default/#ops"],
    ["instance:lock", "default", "default"],
    ["discord.intents", "portal", "default/portal"],
    ["account:paused", "default", "default"],
    ["outbox:parked", "7", "default/7"],
    ["outbox:delayed", "8", "default/8"],
    ["rest:invalidRequests", "default", "default"],
    ["rest:limited", "default", "default"],
  ];
  for (const [name, alone, beside] of cases) {
    it(`is ${alone}, and ${beside} beside another account: ${name}`, () => {
      assert.deepEqual(idsOf(only(parts), name), [alone]);
      assert.equal(idsOf(both(parts), name)[0], beside);
    });
  }

  it("names disabled and ended accounts, with the reasons", () => {
    const checks = judgeHealth({ ...HEALTHY, ...both(ENDED, DISABLED) }, NOW);
    const shown = checks.slice(0, 3).map(({ id, where, why }) => [id, where, why]);
    assert.deepEqual(shown, [
      ["gateway:connection", "default", "Discord refuses the connection"],
      ["account:state", "default", "Discord refused the token"],
      ["account:disabled", "work", "disabled by the config"],
    ]);
  });

  it("[C9] names the problem of the config file, and the running config", () => {
    const state = { revision: "3f2c1aa0", loadedAt: 0 };
    const shown = (config: Snapshot["config"]) =>
      judgeHealth({ ...HEALTHY, ...(config && { config }) }, NOW)
        .find(({ id }) => id === "config:current")?.why;
    assert.equal(shown(state), "3f2c1aa0");
    assert.equal(
      shown({ ...state, atTheNextStart: ["log.file", "store.retention.maxMb"] }),
      "3f2c1aa0; a restart applies log.file, store.retention.maxMb",
    );
    assert.equal(shown({ ...state, problem: "line 3" }), "3f2c1aa0 stays in use: line 3");
    const broken = judgeHealth({ ...HEALTHY, config: { ...state, problem: "line 3" } }, NOW);
    assert.match(broken.find(({ id }) => id === "config:current")?.fix ?? "", /config check/);
    const { config: _, ...untold } = HEALTHY;
    assert.ok(!judgeHealth(untold, NOW).some(({ id }) => id === "config:current"));
  });
});

function rest(
  invalidRequests: number,
  breaker: AccountSnapshot["rest"]["breaker"],
): Partial<Snapshot> {
  return only({ rest: { isUp: true, invalidRequests, breaker } });
}

describe("[O1] isAlive()", () => {
  const fatal = away(0, "fatal");
  const cases: readonly [what: string, change: Partial<Snapshot>, alive: boolean][] = [
    ["a bot at work", {}, true],
    ["a gateway thread still for 30 s", { gatewayTickAt: NOW - 30_000 }, true],
    ["a gateway thread still for longer", { gatewayTickAt: NOW - 30_001 }, false],
    ["a main thread still for 60 s", { mainTickAt: NOW - 60_000 }, true],
    ["a main thread still for longer", { mainTickAt: NOW - 60_001 }, false],
    ["the bot turned away", only({ connection: fatal }), false],
    ["[C6] one account of two ended", both({ state: "ended" }), true],
    ["[C6] one of two turned away", both({ connection: fatal }), true],
    ["[C6] both ended", both({ state: "ended" }, { state: "ended" }), false],
    [
      "[C6] ended, disabled",
      both({ state: "ended" }, { state: "disabled", connection: undefined }),
      false,
    ],
    ["an outage", only({ connection: away(9e9), rest: { ...SERVING.rest, isUp: false } }), true],
    ["an outage of all models", { models: [{ id: "a", openAt: 0 }] }, true],
    ["a disk that fails", { store: { ...HEALTHY.store, isFailing: true } }, true],
  ];
  for (const [what, change, alive] of cases) {
    it(`${alive ? "leaves" : "has a supervisor restart"} ${what}`, () => {
      assert.equal(isAlive({ ...HEALTHY, ...change }, NOW), alive);
    });
  }

  it("[C7] expects no gateway thread if no account is enabled", () => {
    const { gatewayTickAt: _, ...snapshot } = { ...HEALTHY, ...only(DISABLED) };
    assert.equal(isAlive(snapshot, NOW), true);
  });
});
