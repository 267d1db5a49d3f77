import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord, Finding } from "../../../src/core/finding.ts";
import {
  type AlertsPorts,
  type AlertWay,
  createAlerts,
} from "../../../src/extras/alerts/alerts.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";

const model = (status: Finding["status"]): Finding => {
  return { id: "llm:local/a", what: "Model", status, why: "…" };
};
const store = (status: Finding["status"]): Finding => {
  return { id: "storage:write", what: "Store", status, why: "…" };
};
const FAILING = [model("fail")];
const WELL = [model("pass"), store("pass")];

/** A watch with a store and receivers that a test may break. */
function createScene(stored: readonly AlertRecord[] = []) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const scene = {
    clock,
    lines,
    checks: WELL as readonly Finding[],
    stored,
    sent: [] as string[],
    isStoreBroken: false,
    isReadBroken: false,
    broken: [] as readonly AlertWay[],
    /** Runs at each message, such as the end of the process. */
    onSend: () => {},
  };
  const ports: AlertsPorts = {
    check: () => Promise.resolve(scene.checks),
    ways: () => ["direct message", "webhook"],
    send(way, _message, { owed, kind }) {
      scene.onSend();
      if (scene.broken.includes(way)) return Promise.reject(new Error("the receiver is away"));
      scene.sent.push(`${way === "webhook" ? way : "dm"} ${owed?.event} ${kind}`);
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
    schedule: clock.schedule,
    now: clock.now,
    log,
  };
  return Object.assign(scene, {
    alerts: createAlerts(ports),
    /** Moves the clock in steps, so that looks end. */
    async pass(ms: number, checks = scene.checks): Promise<void> {
      scene.checks = checks;
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
    assert.deepEqual(seen, ["begins", "begins"]);
    assert.ok(scene.stored[0]?.toldAt);
    assert.deepEqual(scene.alerts.open().map(({ kind }) => kind), ["model"]);
    await scene.pass(12_000, WELL);
    assert.deepEqual(scene.sent, [
      "dm begins model",
      "webhook begins model",
      "dm ends model",
      "webhook ends model",
    ]);
    assert.deepEqual(scene.alerts.open(), []);
  });

  it("is content with one way that works, and tries again if none does", async () => {
    const scene = createScene();
    scene.broken = ["direct message", "webhook"];
    scene.alerts.start();
    await scene.pass(12_000, FAILING);
    assert.match(
      scene.stored[0]?.failure ?? "",
      /^direct message: the receiver is away; webhook: the receiver/,
    );
    scene.broken = ["direct message"];
    await scene.pass(60_000);
    assert.deepEqual(scene.sent, ["webhook begins model"]);
    const failures = scene.lines.filter(({ event }) => /^Cannot tell the owners/.test(event));
    assert.equal(failures.length, 3);
  });

  it("tells of a store that fails, once, though it can store no alert", async () => {
    const scene = createScene();
    scene.isStoreBroken = true;
    scene.broken = ["direct message"];
    scene.alerts.start();
    await scene.pass(120_000, [store("fail")]);
    assert.deepEqual(scene.sent, ["webhook begins store"]);
    assert.equal(scene.lines.filter(({ event }) => /^Cannot store which/.test(event)).length, 1);
    scene.isStoreBroken = false;
    await scene.pass(120_000, WELL);
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

  it("tells once more when the process ends by itself, and nothing after a stop", async () => {
    const scene = createScene();
    scene.checks = [
      { id: "account:state", what: "Account", status: "fail", where: "default", why: "…" },
    ];
    await scene.alerts.lastLook();
    assert.deepEqual(scene.sent, ["dm begins account", "webhook begins account"]);
    await scene.alerts.stop();
    await scene.pass(60_000, FAILING);
    assert.equal(scene.sent.length, 2);
    assert.equal(scene.clock.pending, 0);
  });
});
