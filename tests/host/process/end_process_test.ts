import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import {
  type EndDecision,
  endProcess,
  type EndProcessPorts,
  type EndRefusal,
  mayEnd,
  type PidFacts,
  processPorts,
  type ProcessToEnd,
  readBootId,
  readPid,
} from "../../../src/host/process/boot.ts";

const HOLDER: ProcessToEnd = { pid: 500, bootId: "boot-1", startTicks: 4711 };
const FACTS = {
  ownPid: 600,
  bootId: "boot-1",
  process: { kind: "running", startTicks: 4711 } satisfies PidFacts,
};

const END: EndDecision = { kind: "end" };
const GONE: EndDecision = { kind: "gone" };
function refused(why: EndRefusal): EndDecision {
  return { kind: "refused", why };
}

describe("[G11] mayEnd()", () => {
  const CASES: readonly (readonly [
    name: string,
    holder: Partial<ProcessToEnd>,
    facts: Partial<Parameters<typeof mayEnd>[1]>,
    decision: EndDecision,
  ])[] = [
    ["the one that took the lock", {}, {}, END],
    ["one that has ended", {}, { process: { kind: "gone" } }, GONE],
    ["one whose pid another has now", {}, { process: { kind: "running", startTicks: 4712 } }, GONE],
    ["one whose boot is written without dashes", { bootId: "boot1" }, {}, { kind: "end" }],
    ["one of another boot, for any process with its pid", { bootId: "boot-0" }, {}, GONE],
    ["one that cannot be looked at", {}, { process: { kind: "unknown" } }, refused("unproven")],
    ["one that did not say when it began", { startTicks: undefined }, {}, refused("unproven")],
    ["one that did not say in which boot", { bootId: undefined }, {}, refused("unproven")],
    ["one on a machine that counts no boots", {}, { bootId: undefined }, refused("unproven")],
    ["this very process", { pid: 600 }, {}, refused("self")],
    ["this very process, for any description", { pid: 600, bootId: "boot-0" }, {}, refused("self")],
    ["the first process", { pid: 1 }, {}, refused("system")],
    ["a group of processes", { pid: 0 }, {}, refused("system")],
    ["all processes", { pid: -1 }, {}, refused("system")],
    ["no process", { pid: 1.5 }, {}, refused("system")],
  ];
  for (const [name, holder, facts, decision] of CASES) {
    it(`${decision.kind === "end" ? "ends" : "does not end"} ${name}`, () => {
      assert.deepEqual(mayEnd({ ...HOLDER, ...holder }, { ...FACTS, ...facts }), decision);
    });
  }
});

/** A process that ends so many milliseconds after a signal, or never. */
function world(after: { readonly SIGTERM?: number; readonly SIGKILL?: number }) {
  let now = 0;
  let endsAt = Infinity;
  let startTicks = 4711;
  const done: string[] = [];
  const ports: EndProcessPorts = {
    ownPid: 600,
    bootId: "boot-1",
    look: () => now >= endsAt ? { kind: "gone" } : { kind: "running", startTicks },
    signal(pid, signal) {
      done.push(`${signal} ${pid} at ${now}`);
      endsAt = Math.min(endsAt, now + (after[signal] ?? Infinity));
      return "sent";
    },
    steadyNow: () => now,
    sleep(ms) {
      now += ms;
      return Promise.resolve();
    },
    say: (event) => done.push(event),
  };
  return { ports, done, restart: () => void (startTicks = 9999) };
}

describe("[G11] endProcess()", () => {
  it("asks the process to stop, and returns as soon as it has", async () => {
    const { ports, done } = world({ SIGTERM: 1_000 });
    const ended = await endProcess(HOLDER, 20_000, ports);
    assert.deepEqual(ended, { kind: "ended", by: "SIGTERM" });
    assert.deepEqual(done, [
      "SIGTERM 500 at 0",
      "Asked the Barnacle with pid 500 to stop; waiting up to 25 s",
    ]);
    assert.equal(ports.steadyNow(), 1_000);
  });

  it("kills a process that does not stop within its grace period and 5 s", async () => {
    const { ports, done } = world({ SIGKILL: 10 });
    const ended = await endProcess(HOLDER, 20_000, ports);
    assert.deepEqual(ended, { kind: "ended", by: "SIGKILL" });
    assert.deepEqual(done.filter((one) => one.startsWith("SIG")), [
      "SIGTERM 500 at 0",
      "SIGKILL 500 at 25000",
    ]);
    assert.match(done.at(-1) ?? "", /did not stop; killed/);
  });

  it("gives up on a process that survives SIGKILL", async () => {
    const { ports } = world({});
    const ended = await endProcess(HOLDER, 20_000, ports);
    assert.deepEqual(ended, { kind: "refused", why: "survived" });
    assert.equal(ports.steadyNow(), 30_000);
  });

  it("kills no process that has received the pid since", async () => {
    const { ports, done, restart } = world({});
    const sleep = ports.sleep;
    const ended = await endProcess(HOLDER, 20_000, {
      ...ports,
      sleep(ms) {
        if (ports.steadyNow() > 3_000) restart();
        return sleep(ms);
      },
    });
    assert.deepEqual(ended, { kind: "ended", by: "SIGTERM" });
    assert.deepEqual(done.filter((one) => one.startsWith("SIGKILL")), []);
  });

  it("sends no signal to a process that has ended, or must not be ended", async () => {
    const { ports, done } = world({});
    const gone: EndProcessPorts = { ...ports, look: () => ({ kind: "gone" }) };
    assert.deepEqual(await endProcess(HOLDER, 20_000, gone), { kind: "gone" });
    const own = await endProcess({ ...HOLDER, pid: 600 }, 20_000, ports);
    assert.deepEqual(own, { kind: "refused", why: "self" });
    assert.deepEqual(done, []);
  });

  it("reports a process of another user", async () => {
    const { ports } = world({});
    const ended = await endProcess(HOLDER, 0, { ...ports, signal: () => "forbidden" });
    assert.deepEqual(ended, { kind: "refused", why: "forbidden" });
  });

  it("counts a process that ended before the signal as ended", async () => {
    const { ports } = world({});
    const ended = await endProcess(HOLDER, 0, { ...ports, signal: () => "gone" });
    assert.deepEqual(ended, { kind: "ended", by: "SIGTERM" });
  });

  const PROCESSES: readonly (readonly [string, string, number, string])[] = [
    ["that stops on SIGTERM", "echo ready; exec sleep 60", 15_000, "SIGTERM"],
    // 200 ms in all, with those that it has beyond its grace.
    ["that does not heed it", "trap '' TERM; echo ready; exec sleep 60", -4_800, "SIGKILL"],
  ];
  for (const [how, script, graceMs, by] of PROCESSES) {
    it(`ends a real process ${how}`, async () => {
      const child: ChildProcess = spawn("/bin/sh", ["-c", script], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const exited = once(child, "exit");
      try {
        await once(child.stdout!, "data");
        const facts = readPid(child.pid!);
        assert.ok(facts.kind === "running");
        const holder = { pid: child.pid!, bootId: readBootId(), startTicks: facts.startTicks };
        const ended = await endProcess(holder, graceMs, processPorts(() => {}));
        assert.deepEqual(ended, { kind: "ended", by });
      } finally {
        child.kill("SIGKILL");
        await exited;
      }
    });
  }

  it("leaves a real process alone that only reuses the pid", async () => {
    const child = spawn("/bin/sleep", ["60"], { stdio: "ignore" });
    const exited = once(child, "exit");
    const holder = { pid: child.pid!, bootId: readBootId(), startTicks: 1 };
    assert.deepEqual(await endProcess(holder, 0, processPorts(() => {})), { kind: "gone" });
    assert.equal(readPid(child.pid!).kind, "running");
    child.kill("SIGKILL");
    await exited;
  });
});
