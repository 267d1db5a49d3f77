import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GatewayStats } from "../../../src/core/discord/gateway.ts";
import { ModelError, type ModelErrorKind } from "../../../src/core/model.ts";
import type { TurnOutcome } from "../../../src/core/step.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/link/protocol.ts";
import {
  type AccountHealth,
  createAccountHealth,
  statusOf,
} from "../../../src/http/monitor/health_monitor.ts";
import type { Snapshot } from "../../../src/http/snapshot.ts";
import type { Store } from "../../../src/store/store.ts";
import { HEALTHY } from "../../support/bot/health.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { sameData } from "../../support/same_data.ts";

const MODEL = "openai/gpt";
const STATS: GatewayStats = {
  ...NO_COUNTS,
  tickAt: 5,
  compression: "none",
};

const parts = (): ReturnType<Parameters<AccountHealth["began"]>[1]> => ({
  stats: () => STATS,
  status: () => ({
    catchUp: { pending: 2, unreadable: ["#ops"] },
    findings: [],
    delayed: [],
    rest: { invalidRequests: 3, breaker: "slowed" },
  }),
});

/** What is known of the only model. */
const modelOf = (health: AccountHealth) => health.models()[0]?.model;

function setUp(store: object = {}) {
  const clock = new FakeClock();
  const touched: unknown[][] = [];
  const health = createAccountHealth(
    ACCOUNT,
    {
      store: {
        gateway: {
          touchAlive(...asked: unknown[]) {
            touched.push(asked);
            return Promise.resolve(3);
          },
          identifyBudget: () => Promise.resolve({ left: 999 }),
        },
        outbox: { parked: () => Promise.resolve([]) },
        settings: { pauseOf: () => Promise.resolve(undefined) },
        ...store,
      } as unknown as Store,
      now: clock.now,
    },
    () => {},
    () => {},
    () => HEALTHY,
  );
  const begin = () => health.began([MODEL], parts);
  return { clock, health, touched, begin };
}

describe("[C6] createAccountHealth()", () => {
  it("is disabled until the account begins, and again after it has left", () => {
    const { health, begin } = setUp();
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
    const { health, clock, begin } = setUp();
    begin();
    assert.equal(health.snapshot().connection?.state, "connecting");
    const readyAt = clock.now();
    health.setConnection({ state: "backoff", readyAt, isDown: false, waits: "budget" });
    const { state, waits } = health.snapshot().connection ?? {};
    assert.deepEqual([state, waits], ["backoff", "budget"]);
  });

  it("[C9] drops earlier reports when the account restarts", () => {
    const { health, begin } = setUp();
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
    const { health, clock, begin } = setUp();
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
    const { health, clock, begin } = setUp();
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
    const { health } = setUp();
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
    const { health, clock, touched, begin } = setUp();
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
    const { health, clock, touched } = setUp();
    assert.equal(await health.touch(true), 3);
    assert.deepEqual(touched, [[ACCOUNT, undefined, clock.now(), true]]);
  });
});

const NOW = 1_750_000_000_000;

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
