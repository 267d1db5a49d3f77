import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { TurnOutcome } from "../../src/agent/turn.ts";
import { startVitals, type Vitals, type VitalsPorts } from "../../src/bot/vitals.ts";
import { ModelError, type ModelErrorKind } from "../../src/core/model.ts";
import { NO_COUNTS } from "../../src/discord/gateway/counts.ts";
import type { GatewayStats } from "../../src/discord/gateway/thread.ts";
import { judge } from "../../src/http/checks.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { ACCOUNT, guildMessage } from "../support/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { BUILD } from "../support/health.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";
import { accepted, batch, ignored, openTestStore } from "../support/store.ts";

const STATS: GatewayStats = {
  ...NO_COUNTS,
  tickAt: 5,
  seqCommitted: new Map([[0, 9]]),
  uncommitted: 0,
  deaths: 0,
  compression: "none",
};

let running: Vitals | undefined;
afterEach(() => running?.stop());

function setUp(ports: Partial<VitalsPorts> = {}) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const { store } = openTestStore();
  const metrics = createMetrics(BUILD);
  const open = (): Vitals => {
    running = startVitals({
      store,
      accountId: ACCOUNT,
      isEnabled: true,
      heardAt: () => 1,
      metrics,
      gateway: () => STATS,
      said: () => ({
        catchUp: { pending: 0, unreadable: [] },
        findings: [],
        parked: [],
        rest: { invalidRequests: 3, breaker: "closed" },
      }),
      committed: () => 0,
      onDurable: () => {},
      now: clock.now,
      log,
      ...ports,
    });
    return running;
  };
  return { clock, lines, metrics, open, store };
}

describe("startVitals()", () => {
  it("begins as starting, connecting, and with nothing to do", () => {
    const { open, clock } = setUp();
    const { phase, startedAt, shards, inbox, outbox, rest, models } = open().snapshot();
    assert.equal(phase, "starting");
    assert.equal(startedAt, clock.now());
    assert.deepEqual(shards, [{
      id: "default/0",
      state: "connecting",
      readyAt: startedAt,
      isDown: false,
      seqCommitted: 9,
    }]);
    assert.deepEqual(inbox, { waiting: 0, running: 0, oldestMs: 0 });
    assert.deepEqual(outbox, {
      pending: 0,
      sending: 0,
      uncertain: 0,
      dead: 0,
      parked: 0,
      oldestMs: 0,
    });
    assert.deepEqual(rest, { isUp: true, invalidRequests: 3, breaker: "closed" });
    assert.deepEqual(models, []);
  });

  it("[C7] has no shard where no account is enabled", () => {
    const { open } = setUp({ isEnabled: false, gateway: () => undefined });
    const { shards, gatewayTickAt } = open().snapshot();
    assert.deepEqual(shards, []);
    assert.equal(gatewayTickAt, undefined);
  });

  it("is connecting, not disabled, while nobody knows where the gateway is", () => {
    const { open } = setUp({ gateway: () => undefined });
    assert.deepEqual(open().snapshot().shards.map(({ state }) => state), ["connecting"]);
  });

  it("shows what the parts have told it last", () => {
    const { open } = setUp();
    const vitals = open();
    vitals.setPhase("running");
    vitals.setShard(0, {
      state: "ready",
      readyAt: 7,
      ack: { at: 8, intervalMs: 41_250 },
      isDown: false,
    });
    vitals.setLatency(0, 42);
    vitals.setRest(false);
    const { phase, shards, rest, gatewayTickAt } = vitals.snapshot();
    assert.equal(phase, "running");
    assert.equal(shards[0]?.state, "ready");
    assert.deepEqual(shards[0]?.ack, { at: 8, intervalMs: 41_250, latencyMs: 42 });
    assert.equal(rest.isUp, false);
    assert.equal(gatewayTickAt, 5);
  });

  it("[G4] is down for as long as the shard says so", () => {
    const { open, clock } = setUp();
    const vitals = open();
    vitals.setShard(0, { state: "backoff", readyAt: clock.now(), isDown: true });
    const [connection] = judge(vitals.snapshot(), clock.now());
    assert.deepEqual([connection?.observedValue, connection?.status], ["down", "fail"]);
    vitals.setShard(0, { state: "ready", readyAt: clock.now(), isDown: false });
    assert.equal(judge(vitals.snapshot(), clock.now())[0]?.observedValue, "ready");
  });

  it("[O2] is not ready while its model answers nobody, and says since when", () => {
    const { open, clock } = setUp({ modelId: "openai/gpt" });
    const vitals = open();
    const failed = (kind: ModelErrorKind): TurnOutcome => ({
      kind: "failed",
      reason: kind,
      error: new ModelError("gone", { kind, modelId: "openai/gpt" }),
    });
    const model = () => vitals.snapshot().models;
    const isReady = () =>
      judge(vitals.snapshot(), clock.now()).every((check) =>
        !check.name.startsWith("llm:") || check.isReady
      );
    assert.deepEqual(model(), [{ id: "openai/gpt" }]);
    for (const kind of ["rate_limited", "rejected", "timeout", "not_an_answer"] as const) {
      vitals.setTurn(failed(kind));
      assert.deepEqual(model(), [{ id: "openai/gpt" }], kind);
    }
    for (const kind of ["unauthorized", "not_found", "unavailable"] as const) {
      const openAt = clock.now();
      vitals.setTurn(failed(kind));
      clock.advance(1_000);
      vitals.setTurn(failed(kind));
      vitals.setTurn({ kind: "interrupted" });
      assert.deepEqual(model(), [{ id: "openai/gpt", openAt }], kind);
      assert.equal(isReady(), false);
      vitals.setTurn({ kind: "reply", text: "hi" });
      assert.deepEqual(model(), [{ id: "openai/gpt" }], kind);
      assert.equal(isReady(), true);
    }
  });

  it("counts what waits, and lets it grow older until it is counted again", async () => {
    const { open, store, clock } = setUp();
    await store.acceptBatch(batch({ judged: [accepted()] }), clock.now());
    const vitals = open();
    await settle();
    clock.advance(90_000);
    assert.deepEqual(vitals.snapshot().inbox, { waiting: 1, running: 0, oldestMs: 90_000 });
  });

  it("[O2] counts each refusal once, by its reason", async () => {
    const { open, store, clock, metrics } = setUp();
    await store.acceptBatch(batch({ judged: [ignored(guildMessage())] }), clock.now());
    const vitals = open();
    await settle();
    vitals.stop();
    const again = open();
    await settle();
    const text = metrics.text(again.snapshot(), { cpuSec: 0 }, clock.now());
    assert.match(text, /^barnacle_auth_denied_total\{reason="no-mention"\} \d+$/m);
  });

  it("[G5] tells how many IDENTIFYs are left", async () => {
    const { open, store, clock } = setUp();
    await store.takeIdentify(ACCOUNT, 0, clock.now());
    const vitals = open();
    assert.equal(vitals.snapshot().identify, undefined);
    await settle();
    assert.deepEqual(vitals.snapshot().identify, { left: 999 });
  });

  it("[G5] shows each shard, and what it waits for", () => {
    const { open, clock } = setUp();
    const vitals = open();
    vitals.setShardCount(2);
    vitals.setShard(1, { state: "backoff", readyAt: clock.now(), isDown: false, waits: "budget" });
    const { shards } = vitals.snapshot();
    assert.deepEqual(shards.map(({ id, state, waits }) => [id, state, waits]), [
      ["default/0", "connecting", undefined],
      ["default/1", "backoff", "budget"],
    ]);
  });

  it("[G5] has what is committed called durable once the disk has it, and not before", async () => {
    const { store } = openTestStore();
    const { promise: isSynced, resolve: sync } = Promise.withResolvers<number>();
    const durable: number[] = [];
    let committed = 7;
    const touched: unknown[] = [];
    const { open, clock } = setUp({
      store: {
        ...store,
        touchAlive(_account, heard) {
          touched.push(...heard);
          return isSynced;
        },
      },
      committed: () => committed,
      onDurable: (ticket) => durable.push(ticket),
    });
    const vitals = open();
    vitals.setShard(0, { state: "ready", readyAt: 1, isDown: false });
    const probe = vitals.probe();
    committed = 8; // after the probe was asked for
    await settle();
    assert.deepEqual(durable, []);
    sync(3);
    await probe;
    assert.deepEqual(durable, [7]);
    assert.deepEqual(touched, [{ shardId: 0, heardAt: clock.now() }]);
  });

  it("says it, and goes on, where the store cannot be read", async () => {
    const { store } = openTestStore();
    const health = () => Promise.reject(new Error("disk gone"));
    const { open, lines } = setUp({ store: { ...store, health } });
    const vitals = open();
    await settle();
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
    assert.deepEqual(vitals.snapshot().inbox, { waiting: 0, running: 0, oldestMs: 0 });
  });
});
