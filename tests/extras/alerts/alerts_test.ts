import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord, AlertWay } from "../../../src/core/alerts.ts";
import { type AlertsPorts, createAlerts } from "../../../src/extras/alerts/alerts.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { type Changes, checksWith, found } from "./facts.ts";

const FAILING = [found("llm:local/a", "fail")];

/** A watch with a store and receivers that a test may break. */
function createScene(stored: readonly AlertRecord[] = []) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const scene = {
    clock,
    lines,
    facts: [] as Changes,
    stored,
    sent: [] as string[],
    counted: [] as string[],
    isStoreBroken: false,
    isReadBroken: false,
    broken: undefined as AlertWay | undefined,
    /** Runs at each message, such as the end of the process. */
    onSend: () => {},
  };
  const ports: AlertsPorts = {
    times: () => ({ gatewayDownSec: 300 }),
    check: () => Promise.resolve(checksWith(scene.facts)),
    ways: () => ["webhook", "ntfy"],
    send(way, { event, kind }) {
      scene.onSend();
      if (way === scene.broken) return Promise.reject(new Error("the receiver is away"));
      scene.sent.push(`${way} ${event} ${kind}`);
      return Promise.resolve();
    },
    store: {
      alerts: () =>
        scene.isReadBroken
          ? Promise.reject(new Error("unreadable"))
          : Promise.resolve(scene.stored),
      keepAlerts(records) {
        if (scene.isStoreBroken) return Promise.reject(new Error("the disk is full"));
        scene.stored = structuredClone(records);
        return Promise.resolve();
      },
    },
    onSent: (kind, way, isSent) => scene.counted.push(`${kind} ${way} ${isSent}`),
    schedule: clock.schedule,
    now: clock.now,
    log,
  };
  const alerts = createAlerts(ports);
  return Object.assign(scene, {
    alerts,
    /** Moves the clock in steps, so that looks end. */
    async pass(ms: number, facts: Changes = scene.facts): Promise<void> {
      scene.facts = facts;
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      }
    },
  });
}

describe("[O12] createAlerts()", () => {
  it("stores an alert before its message, and that the owners know after it", async () => {
    const scene = createScene();
    const seen: (string | undefined)[] = [];
    scene.onSend = () => seen.push(scene.stored[0]?.owed?.event);
    scene.alerts.start();
    await scene.pass(12_000, FAILING);
    assert.deepEqual(seen, ["begins"]);
    assert.deepEqual(scene.stored[0]?.told?.way, "webhook");
    assert.deepEqual(scene.alerts.open().map(({ kind }) => kind), ["model"]);
    await scene.pass(12_000, []);
    assert.deepEqual(scene.sent, ["webhook begins model", "webhook ends model"]);
    assert.deepEqual(scene.alerts.open(), []);
    assert.deepEqual(scene.counted, ["model webhook true", "model webhook true"]);
  });

  it("continues from the records of a process that died between beginning and end", async () => {
    const first = createScene();
    first.alerts.start();
    await first.pass(12_000, FAILING);
    const second = createScene(first.stored);
    second.facts = [found("llm:local/a", "skipped")];
    second.alerts.start();
    await second.pass(12_000); // nobody has asked the model yet
    assert.deepEqual(second.sent, []);
    await second.pass(12_000, []);
    assert.deepEqual(second.sent, ["webhook ends model"]);
  });

  it("uses the next way after three failures, and logs each with its reason", async () => {
    const scene = createScene();
    scene.broken = "webhook";
    scene.alerts.start();
    await scene.pass(60_000, FAILING);
    assert.deepEqual(scene.sent, ["ntfy begins model"]);
    assert.deepEqual(scene.counted, [
      "model webhook false",
      "model webhook false",
      "model webhook false",
      "model ntfy true",
    ]);
    const failures = scene.lines.filter(({ event }) => /^Cannot tell the owners/.test(event));
    assert.equal(failures.length, 3);
    assert.ok(failures.every(({ fields }) => fields?.["reason"] === "the receiver is away"));
  });

  it("tells of a store that fails, once, though it can store no alert", async () => {
    const scene = createScene();
    scene.isStoreBroken = true;
    scene.alerts.start();
    await scene.pass(120_000, [found("storage:write", "fail")]);
    assert.deepEqual(scene.sent, ["webhook begins store"]);
    assert.equal(scene.lines.filter(({ event }) => /^Cannot store which/.test(event)).length, 1);
    scene.isStoreBroken = false;
    await scene.pass(120_000, []);
    assert.deepEqual(scene.sent, ["webhook begins store", "webhook ends store"]);
    assert.equal(scene.stored[0]?.kind, "store");
  });

  it("waits until the store can be read, so it repeats no open alert", async () => {
    const first = createScene();
    first.alerts.start();
    await first.pass(12_000, FAILING);
    const second = createScene(first.stored);
    second.isReadBroken = true;
    second.alerts.start();
    await second.pass(30_000, FAILING);
    assert.equal(second.lines.filter(({ event }) => /^Cannot look/.test(event)).length, 1);
    second.isReadBroken = false;
    await second.pass(30_000, FAILING);
    assert.deepEqual(second.sent, []);
  });

  it("tries each way once when the process ends by itself, and none after a stop", async () => {
    const scene = createScene();
    scene.broken = "webhook";
    scene.facts = [found("account:state", "fail", { where: "default" })];
    await scene.alerts.lastLook();
    assert.deepEqual(scene.sent, ["ntfy begins account"]);
    await scene.alerts.stop();
    await scene.pass(60_000, FAILING);
    assert.deepEqual(scene.sent, ["ntfy begins account"]);
    assert.equal(scene.clock.pending, 0);
  });
});
