import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/core/turn/turn_outcome.ts";
import {
  type AccountFigures,
  type AccountHealth,
  type AccountParts,
  createAccountHealth,
} from "../../../src/http/monitor/account_health.ts";
import { ModelError, type ModelErrorKind } from "../../../src/core/model.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/link/counts.ts";
import type { GatewayStats } from "../../../src/core/discord/gateway.ts";
import { judgeHealth } from "../../../src/http/checks.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { HEALTHY } from "../../support/bot/health.ts";
import { sameData } from "../../support/same_data.ts";

const MODEL = "openai/gpt";
const STATS: GatewayStats = {
  ...NO_COUNTS,
  tickAt: 5,
  seqCommitted: new Map([[0, 9]]),
  uncommitted: 0,
  deaths: 0,
  compression: "none",
};

const parts = (fields: Partial<AccountParts> = {}): AccountParts => ({
  stats: () => STATS,
  status: () => ({
    catchUp: { pending: 2, unreadable: ["#ops"] },
    findings: [],
    delayed: [],
    rest: { invalidRequests: 3, breaker: "slowed" },
  }),
  ...fields,
});

/** What is known of the only model. */
const modelOf = (health: AccountHealth) => health.models()[0]?.model;

function setUp(store: Partial<AccountFigures> = {}) {
  const clock = new FakeClock();
  const touched: unknown[] = [];
  const health = createAccountHealth(
    ACCOUNT,
    {
      store: {
        gateway: {
          touchAlive(...asked) {
            touched.push(asked);
            return Promise.resolve(3);
          },
          identifyBudget: () => Promise.resolve({ left: 999 }),
        },
        outbox: { parked: () => Promise.resolve([]) },
        settings: { pauseOf: () => Promise.resolve(undefined) },
        ...store,
      },
      now: clock.now,
    },
    () => {},
    () => {},
    () => HEALTHY,
  );
  const begin = (fields: Partial<AccountParts> = {}) => health.began([MODEL], () => parts(fields));
  return { clock, health, touched, begin };
}

describe("[C6] createAccountHealth()", () => {
  it("is disabled until the account begins, and again after it has left", () => {
    const { health, begin } = setUp();
    const disabled = {
      id: "default",
      state: "disabled",
      shards: [],
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

  it("begins as connecting, and reads its parts at each snapshot", () => {
    const { health, clock, begin } = setUp();
    begin();
    sameData(health.snapshot(), {
      id: "default",
      state: "running",
      gatewayTickAt: 5,
      compression: "none",
      shards: [{
        id: "default/0",
        state: "connecting",
        readyAt: clock.now(),
        isDown: false,
        seqCommitted: 9,
      }],
      catchUp: { pending: 2, unreadable: ["#ops"] },
      findings: [],
      parked: [],
      delayed: [],
      rest: { isUp: true, invalidRequests: 3, breaker: "slowed" },
    });
  });

  it("is connecting, not disabled, while it lacks its parts or a gateway", () => {
    const { health, begin } = setUp();
    health.began([MODEL], () => undefined);
    assert.deepEqual(health.snapshot().shards.map(({ state }) => state), ["connecting"]);
    begin({ stats: () => undefined });
    assert.equal(health.snapshot().state, "running");
    assert.equal(health.snapshot().gatewayTickAt, undefined);
  });

  it("shows the last reports", () => {
    const { health, begin } = setUp();
    begin();
    const ack = { at: 8, intervalMs: 41_250 };
    health.setShard(0, { state: "ready", readyAt: 7, ack, isDown: false });
    health.setLatency(0, 42);
    health.setRest(false);
    const { shards, rest } = health.snapshot();
    assert.equal(shards[0]?.state, "ready");
    assert.deepEqual(shards[0]?.ack, { ...ack, latencyMs: 42 });
    assert.equal(rest.isUp, false);
  });

  it("[G4] is down as long as the shard reports it", () => {
    const { health, clock, begin } = setUp();
    begin();
    const first = () => judgeHealth({ ...HEALTHY, accounts: [health.snapshot()] }, clock.now())[0];
    health.setShard(0, { state: "backoff", readyAt: clock.now(), isDown: true });
    assert.deepEqual([first()?.why, first()?.status], [
      "not connected: many attempts have failed",
      "fail",
    ]);
    health.setShard(0, { state: "ready", readyAt: clock.now(), isDown: false });
    assert.equal(first()?.why, "connected");
  });

  it("[G5] shows each shard, and the reason of its wait", () => {
    const { health, clock, begin } = setUp();
    begin();
    health.setShardCount(2);
    health.setShard(1, { state: "backoff", readyAt: clock.now(), isDown: false, waits: "budget" });
    const { shards } = health.snapshot();
    assert.deepEqual(shards.map(({ id, state, waits }) => [id, state, waits]), [
      ["default/0", "connecting", undefined],
      ["default/1", "backoff", "budget"],
    ]);
  });

  it("[C9] drops earlier reports when the account restarts", () => {
    const { health, begin } = setUp();
    begin();
    health.setShardCount(3);
    health.setShard(0, { state: "fatal", readyAt: 1, isDown: true });
    health.setRest(false);
    health.ended("no");
    begin();
    const { state, end, shards, rest } = health.snapshot();
    assert.deepEqual([state, end, shards.length], ["running", undefined, 1]);
    assert.deepEqual([shards[0]?.state, rest.isUp], ["connecting", true]);
  });

  it("shows why the account ended", () => {
    const { health, begin } = setUp();
    begin();
    health.ended("set a new token");
    const shown = health.snapshot();
    assert.deepEqual([shown.state, shown.end], ["ended", "set a new token"]);
    assert.equal(modelOf(health), undefined);
  });

  it("[G5] shows the IDENTIFYs left once the store has answered, and none for a disabled account", async () => {
    const { health, begin } = setUp();
    await health.readStore();
    assert.equal(health.snapshot().identify, undefined);
    begin();
    assert.equal(health.snapshot().identify, undefined);
    await health.readStore();
    assert.deepEqual(health.snapshot().identify, { left: 999 });
  });

  it("[D5] shows the parked channels as the store has them at each reading", async () => {
    const parked = { channelId: channelId("8"), reason: "cannot post", since: 1, waiting: 2 };
    let now = [parked];
    const { health, begin } = setUp({ outbox: { parked: () => Promise.resolve(now) } });
    begin();
    await health.readStore();
    assert.deepEqual(health.snapshot().parked, [parked]);
    now = [];
    await health.readStore();
    assert.deepEqual(health.snapshot().parked, []);
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

  it("[C9] starts without facts about another model", () => {
    const { health, begin } = setUp();
    begin();
    health.setTurn(failed("unavailable"), MODEL);
    health.setModels([MODEL]);
    assert.notEqual(modelOf(health)?.openAt, undefined, "the same one is as it was");
    health.setModels(["openai/other"]);
    assert.deepEqual(health.models(), [{ model: { id: "openai/other" } }]);
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
  it("refreshes only the sessions of live shards", async () => {
    const { health, clock, touched, begin } = setUp();
    begin();
    health.setShardCount(4);
    await health.touch(false);
    health.setShard(0, { state: "ready", readyAt: 1, isDown: false });
    const ack = { at: 5, intervalMs: 41_250 };
    health.setShard(1, { state: "backoff", readyAt: 1, ack, isDown: false });
    health.setShard(2, { state: "resuming", readyAt: 1, isDown: false });
    await health.touch(false);
    assert.deepEqual(touched, [
      [ACCOUNT, [], clock.now(), false],
      [
        ACCOUNT,
        [
          { shardId: 0, heardAt: clock.now() },
          { shardId: 1, heardAt: 5 },
        ],
        clock.now(),
        false,
      ],
    ]);
  });

  it("[C7] probes the disk even for a disabled account", async () => {
    const { health, clock, touched } = setUp();
    assert.equal(await health.touch(true), 3);
    assert.deepEqual(touched, [[ACCOUNT, [], clock.now(), true]]);
  });
});
