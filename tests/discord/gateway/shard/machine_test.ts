import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEADLINES, type LifecycleRules } from "../../../../src/discord/gateway/lifecycle/state.ts";
import { createMachine } from "../../../../src/discord/gateway/shard/machine.ts";
import { gatewayOptions } from "../../../support/gateway/gateway_shard.ts";

const { reconnect } = gatewayOptions("wss://gateway.test");
const RULES: LifecycleRules = { url: "wss://gateway.test", reconnect, deadlines: DEADLINES };

/** A machine whose clock and timer the test controls. */
function open() {
  const clock = { ms: 0 };
  const log: string[] = [];
  let timer: { readonly at: number; readonly callback: () => void } | undefined;
  const machine = createMachine({}, RULES, {
    now: () => ({ monotonicMs: clock.ms, wallMs: clock.ms }),
    random: () => 0,
    after(ms, callback) {
      const own = timer = { at: clock.ms + ms, callback };
      return () => void (timer === own && (timer = undefined));
    },
    onTick: () => log.push("tick"),
    tickMs: 60_000,
  });
  const pass = () => {
    const due = timer;
    timer = undefined;
    clock.ms = due?.at ?? clock.ms;
    due?.callback();
  };
  return { machine, log, pass, timer: () => timer };
}

describe("[G2] createMachine()", () => {
  it("processes an effect's events after the event itself, and settles once", () => {
    const { machine, log } = open();
    machine.connect({
      effect({ kind }) {
        log.push(kind);
        if (kind === "open") machine.step({ socket: 1, kind: "opened" });
        log.push(`${kind} done`);
      },
      settled: ({ phase }) => log.push(`settled ${phase.kind}`),
    });
    machine.step({ kind: "start" });
    assert.deepEqual(log, ["open", "open done", "settled greeting"]);
    assert.deepEqual([machine.isInUse(1), machine.isInUse(0)], [true, false]);
  });

  it("ticks at the next time limit", () => {
    const { machine, log, pass, timer } = open();
    machine.connect({ effect: ({ kind }) => log.push(kind), settled() {} });
    machine.step({ kind: "start" });
    assert.ok(timer()!.at >= DEADLINES.connectMs, "the socket has time to open");
    pass();
    assert.deepEqual(log.slice(0, 2), ["open", "tick"]);
    assert.ok(log.includes("drop"), "and is closed after that");
  });

  it("connects to the URL that was set last", () => {
    const { machine, log } = open();
    machine.connect({
      effect: (effect) => effect.kind === "open" && log.push(effect.url),
      settled() {},
    });
    machine.setUrl("wss://moved.test");
    machine.step({ kind: "start" });
    assert.deepEqual(log, ["wss://moved.test"]);
  });

  it("has no timer after stop()", () => {
    const { machine, timer } = open();
    machine.connect({ effect() {}, settled() {} });
    machine.step({ kind: "start" });
    machine.stop();
    assert.equal(timer(), undefined);
    assert.equal(machine.state.phase.kind, "stopped");
  });
});
