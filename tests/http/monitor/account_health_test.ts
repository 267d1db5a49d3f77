import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/core/step.ts";
import {
  type AccountHealth,
  type AccountParts,
  createAccountHealth,
} from "../../../src/http/monitor/account_health.ts";
import { ModelError, type ModelErrorKind } from "../../../src/core/model.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/link/protocol.ts";
import type { GatewayStats } from "../../../src/core/discord/gateway.ts";
import type { Store } from "../../../src/store/store.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { HEALTHY } from "../../support/bot/health.ts";

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

function setUp(store: object = {}) {
  const clock = new FakeClock();
  const touched: unknown[] = [];
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
        [{ shardId: 0, heardAt: clock.now() }, { shardId: 1, heardAt: 5 }],
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
