import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/core/step.ts";
import {
  type AccountHealth,
  createAccountHealth,
  createMetrics,
  type HealthMonitor,
  startHealthMonitor,
  statusOf,
} from "../../../src/http/monitor/health_monitor.ts";
import { type AccountId, toAccountId } from "../../../src/core/discord/ids.ts";
import { ModelError, type ModelErrorKind } from "../../../src/core/model.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/link/protocol.ts";
import { judgeHealth } from "../../../src/http/checks.ts";
import type { Snapshot } from "../../../src/http/snapshot.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { BUILD, HEALTHY, NOW } from "../../support/bot/health.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import type { StoreFailure, StoreFigures } from "../../../src/core/store/store.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const WORK = toAccountId("work");
const MODEL = "openai/gpt";

const parts = (tickAt: number): ReturnType<Parameters<AccountHealth["began"]>[1]> => ({
  stats: () => ({
    ...NO_COUNTS,
    tickAt,
    compression: "none",
  }),
  status: () => ({
    catchUp: { pending: 0, unreadable: [] },
    findings: [],
    delayed: [],
    rest: { invalidRequests: 0, breaker: "closed" },
  }),
});

const FIGURES: StoreFigures = {
  inbox: { waiting: 0, running: 0 },
  outbox: { pending: 0, sending: 0, uncertain: 0, dead: 0, parked: 0, parkedChannels: 0 },
  decisions: [],
};

const NO_STORE = {
  gateway: {
    accountIds: () => Promise.resolve([ACCOUNT, WORK]),
    touchAlive: () => Promise.resolve(3),
    identifyBudget: () => Promise.resolve({ left: 999 }),
  },
  health: () => Promise.resolve(FIGURES),
  outbox: { parked: () => Promise.resolve([]) },
  settings: { pauseOf: () => Promise.resolve(undefined) },
  failure: () => undefined,
};

let running: HealthMonitor | undefined;
afterEach(() => void running?.stop());

function setUp(
  { gateway, ...store }: Readonly<Record<string, unknown>> & { readonly gateway?: object } = {},
  resumableMs = 300_000,
) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const metrics = createMetrics(BUILD);
  const health = startHealthMonitor({
    store: {
      ...NO_STORE,
      ...store,
      gateway: { ...NO_STORE.gateway, ...gateway },
    } as unknown as Store,
    metrics,
    timers: clock,
    log,
  });
  running = health;
  const resumed = { reconnect: { sessionCacheTtlSec: resumableMs / 1_000 } };
  health.setAccounts([ACCOUNT, WORK].map((accountId) => ({ accountId, gateway: resumed })));
  const begin = (accountId = ACCOUNT, tickAt = 5): AccountHealth => {
    const account = health.accountOf(accountId);
    account.began([MODEL], () => parts(tickAt));
    return account;
  };
  return { clock, lines, metrics, health, begin };
}

describe("startHealthMonitor()", () => {
  it("[C6] shows the gateway thread of a running account that has stood still longest", () => {
    const { health, begin } = setUp();
    const work = begin(WORK, 3);
    begin(ACCOUNT, 5);
    assert.equal(health.snapshot().gatewayTickAt, 3);
    work.ended("no");
    assert.equal(health.snapshot().gatewayTickAt, 5, "one that has ended may stand still");
  });

  it("[B9] reads the store a second after its start, and sooner if a reader asks", async () => {
    let reads = 0;
    const { clock, health, begin } = setUp({
      health: () => {
        reads++;
        return Promise.resolve({ ...FIGURES, inbox: { waiting: 1, running: 0 } });
      },
    });
    begin(ACCOUNT);
    clock.advance(999);
    await settle();
    assert.equal(reads, 0);
    assert.equal((await health.measure()).inbox.waiting, 1);
    assert.equal(reads, 1);
    clock.advance(1);
    await settle();
    assert.equal(reads, 2);
  });

  it("[C7] never calls a stopped account late", async () => {
    let asked: readonly AccountId[] | undefined;
    const { health, begin } = setUp({
      health(left: readonly AccountId[]) {
        asked = left;
        return Promise.resolve(FIGURES);
      },
    });
    await health.refresh();
    const account = begin(ACCOUNT);
    await settle();
    assert.deepEqual(asked, [WORK]);
    account.left();
    health.refresh();
    await settle();
    assert.deepEqual(asked, [ACCOUNT, WORK]);
  });
});

it("[O2] startHealthMonitor() counts verdicts › counts each verdict once by its reason, and unanswered ones as denied too", async () => {
  let count = 2;
  const { health, metrics, clock } = setUp({
    health: () =>
      Promise.resolve({
        ...FIGURES,
        decisions: [
          { verdict: "ignore", why: "no-mention", count },
          { verdict: "accept", why: "mentioned", count: 1 },
          { verdict: "challenge", why: "pairing", count: 1 },
        ],
      }),
  });
  await settle();
  count = 5;
  health.refresh();
  await settle();
  const shown = { ...health.snapshot(), alerts: [{ kind: "model", since: 0 }] as never };
  const lines = metrics.text(shown, { cpuSec: 0 }, clock.now()).split("\n");
  assert.ok(lines.includes('barnacle_alert_open{kind="model"} 1'));
  const of = (name: string) => lines.filter((line) => line.startsWith(`barnacle_${name}_total`));
  assert.deepEqual(of("decisions"), [
    'barnacle_decisions_total{verdict="ignore",reason="no-mention"} 5',
    'barnacle_decisions_total{verdict="accept",reason="mentioned"} 1',
    'barnacle_decisions_total{verdict="challenge",reason="pairing"} 1',
  ]);
});

describe("[O2] startHealthMonitor() and models", () => {
  const failed: TurnOutcome = {
    kind: "failed",
    why: "unexpected",
    reason: "unavailable",
    error: new ModelError("gone", { kind: "unavailable", modelId: MODEL }),
  };
  const reply: TurnOutcome = { kind: "reply", text: "hi" };

  it("[L3] is ready while a fallback answers, and shows both models", () => {
    const { health, clock, begin } = setUp();
    const account = begin();
    const openAt = clock.now();
    account.setTurn({ ...reply, modelId: "other/kelp" }, MODEL);
    clock.advance(1_000);
    account.setTurn({ ...reply, modelId: "other/kelp" }, MODEL);
    const both = [
      { id: MODEL, openAt, hasAnswered: true, cover: { by: "other/kelp" } },
      { id: "other/kelp", hasAnswered: true },
    ];
    sameData(health.snapshot().models, both);
    const checks = judgeHealth(health.snapshot(), clock.now()).filter(({ id }) =>
      id.startsWith("llm:")
    );
    assert.deepEqual(checks.map(({ status, isReady }) => [status, isReady]), [
      ["warn", undefined],
      ["pass", undefined],
    ]);
    account.setTurn(reply, MODEL);
    sameData(health.snapshot().models, [{ id: MODEL, hasAnswered: true }]);
  });

  it("[O12] says why questions get no answer: after three failures, or one for the operator", () => {
    const { health, begin } = setUp();
    const account = begin();
    const down = () => health.snapshot().models[0]?.down;
    account.setTurn(failed, MODEL);
    account.setTurn(failed, MODEL);
    assert.equal(down(), undefined);
    account.setTurn(failed, MODEL);
    assert.match(down()?.cause ?? "", /^its last 3 turns failed, the last one as "\w+"$/);
    assert.equal(down()?.needsOperator, false);
    account.setTurn({ ...reply, modelId: "other/kelp" }, MODEL);
    assert.equal(down(), undefined, "a fallback answers");
    const rejected = { kind: "rejected", modelId: MODEL, said: "a `bad` field" } as const;
    const spent = { kind: "quota", modelId: MODEL, said: "spent" } as const;
    const error = new ModelError("spent", spent);
    account.setTurn({ ...failed, error }, MODEL);
    assert.match(down()?.cause ?? "", /its API key is used up; its server says: `spent`$/);
    assert.equal(down()?.needsOperator, true);
    for (const failure of [error, undefined]) { // that of the last turn, or the breaker waits
      account.setTurn({ ...reply, failure, modelId: "other/kelp" }, MODEL);
      assert.equal(down()?.needsOperator, true);
    }
    const [check] = judgeHealth(health.snapshot(), 0).filter(({ id }) => id.startsWith("llm:"));
    assert.equal(check?.status, "warn");
    assert.match(check.why, /is used up.*; other\/kelp answers for it/);
    account.setTurn(reply, MODEL);
    assert.equal(down(), undefined);
    for (let turn = 0; turn < 3; turn++) {
      account.setTurn({ ...failed, error: new ModelError("no", rejected) }, MODEL);
    }
    assert.match(down()?.cause ?? "", /as "rejected"; its server says: `a 'bad' field`$/);
  });

  it("[C6] shows a shared model once; it serves if it has answered any account since", () => {
    const { health, clock, begin } = setUp();
    const [first, second] = [begin(ACCOUNT), begin(WORK)];
    const model = () => health.snapshot().models;
    const openAt = clock.now();
    first.setTurn(failed, MODEL);
    clock.advance(1_000);
    second.setTurn(failed, MODEL);
    sameData(model(), [{ id: MODEL, openAt, failure: "gone" }]);
    clock.advance(1_000);
    second.setTurn(reply, MODEL);
    sameData(model(), [{ id: MODEL, hasAnswered: true }]);
    clock.advance(1_000);
    second.setTurn(failed, MODEL);
    const failure = "gone";
    sameData(model(), [{ id: MODEL, openAt: clock.now(), failure, hasAnswered: true }]);
    second.setModels(["local/small"]);
    sameData(model(), [{ id: MODEL, openAt, failure }, { id: "local/small" }]);
  });
});

/** A store that records its writes. */
function noting() {
  const notes: (readonly [AccountId, boolean | undefined])[] = [];
  return {
    notes,
    touchAlive(accountId: AccountId, _: unknown, __: number, isProbe?: boolean) {
      notes.push([accountId, isProbe]);
      return Promise.resolve(accountId === WORK ? 40 : 3);
    },
  };
}

describe("[G5] startHealthMonitor() and the disk", () => {
  it("notes live sessions every five minutes, without waiting for the disk", () => {
    const { notes, touchAlive } = noting();
    const { clock } = setUp({ gateway: { touchAlive } });
    clock.advance(299_999);
    assert.deepEqual(notes, []);
    clock.advance(1);
    assert.deepEqual(notes, [[ACCOUNT, false], [WORK, false]]);
    clock.advance(600_000);
    assert.equal(notes.length, 2 * 3);
  });

  for (
    const [resumableMs, everyMs] of [[0, 5_000], [50_000, 50_000], [900_000, 300_000]] as const
  ) {
    it(`notes them every ${everyMs} ms if a session may be resumed for ${resumableMs} ms`, () => {
      const { notes, touchAlive } = noting();
      const { clock } = setUp({ gateway: { touchAlive } }, resumableMs);
      clock.advance(everyMs - 1);
      assert.equal(notes.length, 0);
      clock.advance(1);
      assert.equal(notes.length, 2);
    });
  }

  it("[C6] probes a write when health is requested, at most every ten seconds", async () => {
    const { notes, touchAlive } = noting();
    const { health, clock } = setUp({ gateway: { touchAlive } });
    await health.measure();
    assert.deepEqual(notes, [], "the start has shown it");
    clock.advance(10_000);
    const { store } = await health.measure();
    await health.measure();
    assert.deepEqual(notes, [[ACCOUNT, true], [WORK, true]]);
    const at = clock.now();
    sameData(store, { probeMs: 40, isFailing: false, probedAt: at, answeredAt: at });
  });

  it("logs once that the disk takes no writes, and once that it recovered", async () => {
    let isFull = true;
    const { health, lines, clock } = setUp({
      gateway: {
        touchAlive: () => isFull ? Promise.reject(new Error("disk full")) : Promise.resolve(1),
      },
    });
    const isFailing = async () => {
      clock.advance(10_000);
      return (await health.measure()).store.isFailing;
    };
    assert.deepEqual([await isFailing(), await isFailing()], [true, true]);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
    isFull = false;
    assert.equal(await isFailing(), false);
  });
});

describe("[X2] startHealthMonitor() › a write that failed, although the probe succeeds", () => {
  const storageAt = async (failure: StoreFailure) => {
    const { health, clock } = setUp({ failure: () => failure });
    const check = judgeHealth(await health.measure(), clock.now())
      .find(({ id }) => id === "storage:write");
    return [check?.isReady, check?.status, check?.why];
  };

  it("fails readiness for ten seconds, and names the reason", async () => {
    const full = [false, "fail", "the disk is full"];
    assert.deepEqual(await storageAt({ kind: "full", ageMs: 9_999 }), full);
    assert.deepEqual(await storageAt({ kind: "full", ageMs: 10_000 }), [undefined, "pass", "0 ms"]);
    const other = [false, "fail", "the last write failed; the log has the reason"];
    assert.deepEqual(await storageAt({ kind: "unwritable", ageMs: 0 }), other);
  });

  it("fails readiness for ever if the database is damaged, and says so", async () => {
    const failure = { kind: "damaged", ageMs: 86_400_000 } as const;
    assert.deepEqual(await storageAt(failure), [false, "fail", "the database is damaged"]);
  });
});

it("[O2] startHealthMonitor().measure() › reads the store only when health is requested", async () => {
  let asked = 0;
  const { health, clock } = setUp({
    health() {
      asked++;
      return Promise.resolve({ ...FIGURES, inbox: { waiting: asked, running: 0 } });
    },
  });
  await settle();
  clock.advance(600_000);
  await settle();
  assert.equal(asked, 1, "at the start");
  const [first, second] = await Promise.all([health.measure(), health.measure()]);
  assert.deepEqual([first.inbox.waiting, second.inbox.waiting], [2, 2], "together, once");
  await health.measure();
  assert.equal(asked, 2, "a second has not passed");
});

it("startHealthMonitor() and a store that is to be closed › lets a read end before it has stopped", async () => {
  const events: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { health } = setUp({
    health: async () => {
      await promise;
      events.push("read");
      return FIGURES;
    },
  });
  const reading = health.refresh();
  await settle();
  const left = health.stop().then(() => void events.push("closed"));
  await settle();
  resolve();
  await Promise.all([reading, left]);
  assert.deepEqual(events, ["read", "closed"]);
});

it("[O2] startHealthMonitor() and the main thread › shows the longest delay of the last minute, and that timers run", () => {
  const { health, clock, begin } = setUp();
  const account = begin();
  const lag = () => health.snapshot().eventLoopLagMs;
  assert.equal(lag(), 0);
  account.delayed(700);
  clock.advance(20_000);
  account.delayed(300);
  assert.equal(lag(), 700);
  clock.advance(40_001);
  assert.equal(lag(), 300);
  assert.ok(clock.now() - health.snapshot().mainTickAt <= 30_000);
});

/** What is known of the only model. */
const modelOf = (health: AccountHealth) => health.models()[0]?.model;

function setUpAccount() {
  const clock = new FakeClock();
  const touched: unknown[][] = [];
  const health = createAccountHealth(
    ACCOUNT,
    {
      store: {
        ...NO_STORE,
        gateway: {
          ...NO_STORE.gateway,
          touchAlive(...asked: unknown[]) {
            touched.push(asked);
            return Promise.resolve(3);
          },
        },
      } as unknown as Store,
      now: clock.now,
    },
    () => {},
    () => {},
    () => HEALTHY,
  );
  const begin = () => health.began([MODEL], () => parts(5));
  return { clock, health, touched, begin };
}

describe("[C6] createAccountHealth()", () => {
  it("is disabled until the account begins, and again after it has left", () => {
    const { health, begin } = setUpAccount();
    const disabled = {
      id: "default",
      state: "disabled",
      catchUp: { pending: 0, unreadable: [] },
      findings: [],
      parked: [],
      delayed: [],
      rest: { isUp: true, invalidRequests: 0, breaker: "closed" },
    };
    assert.deepEqual(health.snapshot(), disabled);
    assert.equal(modelOf(health), undefined);
    begin();
    assert.equal(health.snapshot().state, "running");
    health.left();
    assert.deepEqual(health.snapshot(), disabled);
  });

  it("[G5] shows the connection, and the reason of its wait", () => {
    const { health, clock, begin } = setUpAccount();
    begin();
    assert.equal(health.snapshot().connection?.state, "connecting");
    const readyAt = clock.now();
    health.setConnection({ state: "backoff", readyAt, isDown: false, waits: "budget" });
    const { state, waits } = health.snapshot().connection ?? {};
    assert.deepEqual([state, waits], ["backoff", "budget"]);
  });

  it("[C9] drops earlier reports when the account restarts", () => {
    const { health, begin } = setUpAccount();
    begin();
    health.setConnection({ state: "fatal", readyAt: 1, isDown: true });
    health.setRest(false);
    health.ended("no");
    begin();
    const { state, end, connection, rest } = health.snapshot();
    assert.deepEqual([state, end], ["running", undefined]);
    assert.deepEqual([connection?.state, rest.isUp], ["connecting", true]);
  });
});

describe("[O2] createAccountHealth().setTurn()", () => {
  const failed = (kind: ModelErrorKind): TurnOutcome => ({
    kind: "failed",
    why: "unexpected",
    reason: kind,
    error: new ModelError("gone", { kind, modelId: MODEL }),
  });
  const reply: TurnOutcome = { kind: "reply", text: "hi" };

  it("shows since when its model fails, and its last answer", () => {
    const { health, clock, begin } = setUpAccount();
    begin();
    assert.deepEqual(modelOf(health), { id: MODEL });
    for (
      const kind of [
        "unauthorized",
        "not_found",
        "quota",
        "web_page",
        "redirected",
        "unavailable",
      ] as const
    ) {
      const openAt = clock.now();
      health.setTurn(
        { ...failed(kind), reason: `${kind}: ${MODEL} answered` } as TurnOutcome,
        MODEL,
      );
      assert.ok(modelOf(health)?.fix, kind);
      clock.advance(1_000);
      health.setTurn(failed("timeout"), MODEL);
      health.setTurn({ kind: "interrupted" }, MODEL);
      assert.equal(modelOf(health)?.openAt, openAt, kind);
      health.setTurn(reply, MODEL);
      assert.deepEqual(modelOf(health), { id: MODEL, servedAt: clock.now() });
    }
  });

  it("[L3] shows a model that fails three turns in a row, in any way", () => {
    const { health, clock, begin } = setUpAccount();
    begin();
    for (const kind of ["rate_limited", "rejected", "timeout", "not_an_answer"] as const) {
      const failingSince = clock.now();
      for (const openAt of [undefined, undefined, failingSince]) {
        health.setTurn(failed(kind), MODEL);
        assert.equal(modelOf(health)?.openAt, openAt, kind);
        clock.advance(1_000);
      }
      health.setTurn(reply, MODEL);
      assert.equal(modelOf(health)?.openAt, undefined);
      health.setTurn(failed(kind), MODEL);
      health.setTurn(reply, MODEL);
    }
  });

  it("[N1] knows the models of several agents apart", () => {
    const { health } = setUpAccount();
    const other = "openai/other";
    health.began([MODEL, other], () => undefined);
    health.setTurn(failed("unavailable"), other);
    health.setTurn(failed("unavailable"), "chosen/by-a-person");
    health.setTurn(reply, MODEL);
    assert.deepEqual(
      health.models().map(({ model: { id, openAt } }) => [id, openAt !== undefined]),
      [[MODEL, false], [other, true]],
    );
    health.setModels([other, "openai/new"]);
    assert.deepEqual(
      health.models().map(({ model: { id, openAt } }) => [id, openAt !== undefined]),
      [[other, true], ["openai/new", false]],
    );
  });
});

describe("[G5] createAccountHealth().touch()", () => {
  it("refreshes the session of a live connection", async () => {
    const { health, clock, touched, begin } = setUpAccount();
    begin();
    const state = { readyAt: 1, isDown: false } as const;
    await health.touch(false);
    health.setConnection({ ...state, state: "resuming" });
    await health.touch(false);
    health.setConnection({ ...state, state: "backoff", ack: { at: 5, intervalMs: 41_250 } });
    await health.touch(false);
    health.setConnection({ ...state, state: "ready" });
    await health.touch(false);
    const heard = touched.map(([, heardAt]) => heardAt);
    assert.deepEqual(heard, [undefined, undefined, 5, clock.now()]);
  });

  it("[C7] probes the disk even for a disabled account", async () => {
    const { health, clock, touched } = setUpAccount();
    assert.equal(await health.touch(true), 3);
    assert.deepEqual(touched, [[ACCOUNT, undefined, clock.now(), true]]);
  });
});

const facts = (connection: object | undefined, { model, fallback, state = "running", whole = {} }: {
  readonly model?: object;
  readonly fallback?: object;
  readonly state?: string;
  /** Of the whole bot. */
  readonly whole?: Partial<Snapshot>;
} = {}) =>
  statusOf(
    {
      ...({} as AccountHealth),
      snapshot: () =>
        ({
          id: "default",
          state,
          end: "the token is wrong",
          findings: [],
          parked: [],
          delayed: [],
          catchUp: { pending: 0, unreadable: [] },
          rest: { invalidRequests: 0, breaker: "closed" },
          connection,
        }) as never,
      whole: () => ({ ...HEALTHY, ...whole }),
      models: () => model ? [{ model, fallback }] as never : [],
    },
    "1.2.3",
    "a/b",
    NOW,
  );

describe("[K2] statusOf()", () => {
  it("tells since when it is online, and the latency", () => {
    const ack = { at: NOW, intervalMs: 40_000, latencyMs: 90 };
    const ready = { state: "ready", readyAt: NOW - 50, ack };
    const { warnings, ...rest } = facts(ready, { model: { id: "a/b", openAt: NOW - 5 } });
    const model = { version: "1.2.3", modelId: "a/b", modelFailsSince: NOW - 5 };
    sameData(rest, { ...model, readyAt: NOW - 50, latencyMs: 90 });
    assert.deepEqual(warnings, []);
    const away = facts({ ...ready, state: "backoff" });
    assert.deepEqual([away.readyAt, away.latencyMs], [NOW, undefined]);
    assert.deepEqual(away.warnings, ["Connection: default: waiting before the next attempt"]);
  });

  it("names the fallback that answers for the model of the conversation, and for no other", () => {
    const fallback = { id: "c/d" };
    assert.equal(facts(undefined, { model: { id: "a/b", openAt: 1 }, fallback }).fallbackId, "c/d");
    const other = facts(undefined, { model: { id: "e/f", openAt: 1 }, fallback });
    assert.deepEqual([other.fallbackId, other.modelFailsSince], [undefined, undefined]);
  });

  it("warns of the whole bot's problems: its store, its config and its MCP servers", () => {
    const { warnings } = facts(undefined, {
      whole: {
        store: { ...HEALTHY.store, isFailing: true, isFull: true },
        config: { revision: "a1", loadedAt: NOW, problem: "http.port is no number" },
        mcpServers: [{
          id: "calendar",
          state: "failing",
          tools: 0,
          problem: "it has ended",
          said: [],
        }],
        models: [{ id: "a/b", openAt: NOW - 5 }],
        budgets: [
          { rule: "budgets.total.tokensPerDay", limit: 1, unit: "tokens", used: 2 },
          {
            rule: "budgets.perGuild.tokensPerDay",
            limit: 1,
            unit: "tokens",
            used: 2,
            of: "3",
            name: "Friends",
          },
        ],
      },
    });
    assert.deepEqual(
      warnings.filter((warning) => !/connected/.test(warning)),
      [
        "Config in use: a1 stays in use: http.port is no number",
        "Store: the disk is full",
        "Budget: budgets.perGuild.tokensPerDay: spent: Friends (3): 2 of 1 tokens today",
        "MCP server calendar: it has ended",
      ],
    );
  });

  it("warns of the end of the account", () => {
    assert.match(facts(undefined, { state: "ended" }).warnings.join("\n"), /the token is wrong/);
  });
});
