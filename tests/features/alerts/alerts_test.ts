import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { Bot } from "../../../src/account/account.ts";
import type { AlertRecord, Finding } from "../../../src/core/finding.ts";
import { startAlerts } from "../../../src/features/alerts/watch.ts";
import { judgeHealth } from "../../../src/http/checks.ts";
import type { Snapshot } from "../../../src/http/snapshot.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { HEALTHY } from "../../support/bot/health.ts";
import { recordingLog } from "../../support/recording_log.ts";

const model: Finding = { id: "llm:local/a", what: "Model", status: "fail", why: "…" };
const FAILING: Partial<Snapshot> = { slow: [model] };
const WELL: Partial<Snapshot> = { slow: [{ ...model, status: "pass" }] };
const NO_STORE: Partial<Snapshot> = { ...WELL, store: { ...HEALTHY.store, isFailing: true } };
const { fetch } = globalThis;
afterEach(() => void (globalThis.fetch = fetch));

/** A bot with a store, an owner and a webhook that a test may break. */
function createScene(stored: readonly AlertRecord[] = []) {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const scene = {
    clock,
    lines,
    seen: WELL,
    stored,
    sent: [] as string[],
    isStoreBroken: false,
    isReadBroken: false,
    broken: [] as readonly string[],
    /** Runs at each message, such as the end of the process. */
    onSend: () => {},
  };
  function send(way: string, what: string): void {
    scene.onSend();
    if (scene.broken.includes(way)) throw new Error("the receiver is away");
    scene.sent.push(`${way} ${what}`);
  }
  const config = {
    accounts: [{ accountId: "default" }],
    alerts: { dm: true, webhook: { reveal: () => "http://127.0.0.1:9/hook" } },
  };
  const bot = {
    setup: { config },
    logging: { forPart: () => log },
    now: clock.now,
    health: {
      snapshot: () => ({ ...HEALTHY, ...scene.seen }),
      refresh: () => Promise.resolve(),
      measure: () => Promise.resolve(),
    },
    accounts: new Map([["default", {
      // deno-lint-ignore require-await -- a thrown failure is a rejection
      async reachOwners(text: string) {
        send("dm", text.split("\n")[0] ?? "");
        return 1;
      },
    }]]),
    store: {
      settings: {
        alerts: () =>
          scene.isReadBroken
            ? Promise.reject(new Error("unreadable"))
            : Promise.resolve(scene.stored),
        keepAlerts(records: readonly AlertRecord[]) {
          if (scene.isStoreBroken) return Promise.reject(new Error("the disk is full"));
          scene.stored = structuredClone(records);
          return Promise.resolve();
        },
      },
    },
  };
  // deno-lint-ignore require-await -- a thrown failure is a rejection
  globalThis.fetch = (async (_url: string, { body }: { readonly body: string }) => {
    const { event, kind } = JSON.parse(body);
    send("webhook", `${event} ${kind}`);
    return new Response();
  }) as typeof globalThis.fetch;
  return Object.assign(scene, {
    start: (seen = scene.seen) => {
      scene.seen = seen;
      return startAlerts(bot as unknown as Bot, clock.schedule);
    },
    /** Moves the clock in steps, so that looks end. */
    async pass(ms: number, seen = scene.seen): Promise<void> {
      scene.seen = seen;
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.advance(1_000);
        for (let turn = 0; turn < 30; turn++) await Promise.resolve();
      }
    },
  });
}

describe("[O12] startAlerts()", () => {
  it("stores an alert before its message, and that the owners know after it", async () => {
    const scene = createScene();
    const seen: (string | undefined)[] = [];
    scene.onSend = () => seen.push(scene.stored[0]?.owed?.event);
    const alerts = scene.start();
    await scene.pass(12_000, FAILING);
    assert.deepEqual(seen, ["begins", "begins"]);
    assert.ok(scene.stored[0]?.toldAt);
    assert.deepEqual(alerts.open().map(({ kind }) => kind), ["model"]);
    await scene.pass(12_000, WELL);
    assert.deepEqual(scene.sent, [
      "dm A model of Barnacle fails (local/a).",
      "webhook begins model",
      "dm The model of Barnacle works again (local/a).",
      "webhook ends model",
    ]);
    assert.deepEqual(alerts.open(), []);
  });

  it("is content with one way that works, and tries again if none does", async () => {
    const scene = createScene();
    scene.broken = ["dm", "webhook"];
    scene.start();
    await scene.pass(5_000, FAILING);
    assert.match(
      scene.stored[0]?.failure ?? "",
      /^direct message: the receiver is away; webhook: cannot reach 127/,
    );
    scene.broken = ["dm"];
    await scene.pass(60_000);
    assert.deepEqual(scene.sent, ["webhook begins model"]);
    const failures = scene.lines.filter(({ event }) => /^Cannot tell the owners/.test(event));
    assert.equal(failures.length, 3);
  });

  it("tells of a store that fails, once, though it can store no alert", async () => {
    const scene = createScene();
    scene.isStoreBroken = true;
    scene.broken = ["dm"];
    const alerts = scene.start();
    await scene.pass(120_000, NO_STORE);
    assert.deepEqual(scene.sent, ["webhook begins store"]);
    assert.equal(scene.lines.filter(({ event }) => /^Cannot store which/.test(event)).length, 1);
    const shown = () => {
      const now = scene.clock.now();
      return judgeHealth({ ...HEALTHY, alerts: alerts.open() }, now)
        .flatMap(({ id, why }) => id === "alert:store" ? [/, gone since \S/.test(why)] : []);
    };
    assert.deepEqual(shown(), [false]);
    scene.isStoreBroken = false;
    await scene.pass(30_000, WELL);
    assert.deepEqual(shown(), [true]);
    await scene.pass(90_000);
    assert.deepEqual([scene.sent, shown()], [["webhook begins store", "webhook ends store"], []]);
    assert.equal(scene.stored[0]?.kind, "store");
  });

  it("waits until the store can be read, so it repeats no open alert", async () => {
    const first = createScene();
    first.start();
    await first.pass(12_000, FAILING);
    const second = createScene(first.stored);
    second.isReadBroken = true;
    second.start();
    await second.pass(30_000, FAILING);
    assert.equal(second.lines.filter(({ event }) => /^Cannot look/.test(event)).length, 1);
    second.isReadBroken = false;
    await second.pass(30_000, FAILING);
    assert.deepEqual(second.sent, []);
  });

  it("tells once more when the process ends by itself, and nothing after a stop", async () => {
    const scene = createScene();
    const alerts = scene.start();
    await scene.pass(1_000);
    const ended: Finding = { id: "account:state", what: "Account", status: "fail", why: "…" };
    scene.seen = { slow: [{ ...ended, where: "default" }] };
    await alerts.lastLook();
    assert.equal(scene.sent[1], "webhook begins account");
    await alerts.stop();
    await scene.pass(60_000, FAILING);
    assert.equal(scene.sent.length, 2);
    assert.equal(scene.clock.pending, 0);
  });
});
