import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  type EndDecision,
  endProcess,
  type EndRefusal,
  mayEnd,
  type PidFacts,
  type ProcessToEnd,
  readPid,
} from "../../../src/host/process/end_process.ts";
import { readBootId } from "../../../src/host/process/boot.ts";
import {
  createCrashPoints,
  parseCrashPoint,
  readCrashPoint,
  readFault,
} from "../../../src/host/process/crash_points.ts";
import {
  forgetManager,
  loadNotify,
  type NotifyEnv,
  toSocketAddress,
  watchdogMsOf,
} from "../../../src/host/process/sd_notify.ts";
import { openNotifySocket } from "../../support/process/notify_socket.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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

describe("[G11] endProcess()", () => {
  it("sends no signal to a process that has ended, or must not be ended", async () => {
    const ends = (holder: Partial<ProcessToEnd>) =>
      endProcess({ ...HOLDER, bootId: readBootId(), ...holder }, 20_000, () => assert.fail());
    assert.deepEqual(await ends({ pid: 2 ** 22 + 1 }), { kind: "gone" });
    assert.deepEqual(await ends({ pid: process.pid }), { kind: "refused", why: "self" });
    assert.deepEqual(await ends({ bootId: undefined }), { kind: "refused", why: "unproven" });
  });

  const PROCESSES = [
    ["that stops on SIGTERM", "", 15_000, "SIGTERM", /waiting up to 20 s$/],
    // 200 ms in all, with those that it has beyond its grace.
    ["that does not heed it", "trap '' TERM; ", -4_800, "SIGKILL", /did not stop; killed it$/],
  ] as const;
  for (const [how, before, graceMs, by, says] of PROCESSES) {
    it(`ends a real process ${how}`, async () => {
      const child: ChildProcess = spawn("/bin/sh", ["-c", `${before}echo ready; exec sleep 60`], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const exited = once(child, "exit");
      try {
        await once(child.stdout!, "data");
        const facts = readPid(child.pid!);
        assert.ok(facts.kind === "running");
        const holder = { pid: child.pid!, bootId: readBootId(), startTicks: facts.startTicks };
        const said: string[] = [];
        const ended = await endProcess(holder, graceMs, (event) => said.push(event));
        assert.deepEqual(ended, { kind: "ended", by });
        assert.match(said.at(-1) ?? "", says);
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
    assert.deepEqual(await endProcess(holder, 0, () => {}), { kind: "gone" });
    assert.equal(readPid(child.pid!).kind, "running");
    child.kill("SIGKILL");
    await exited;
  });
});

function unexpected(message: string): never {
  throw new Error(message);
}

describe("[O4] loadNotify()", () => {
  for (const kind of ["path", "abstract"]) {
    it(`sends its lines unchanged to a socket named by ${kind}`, async () => {
      using directory = tempDirectory();
      const name = kind === "path"
        ? join(directory.path, "notify")
        : `@barnacle-test-${randomBytes(8).toString("hex")}`;
      using manager = await openNotifySocket(name);
      const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
      assert.equal(notify("READY=1\nSTATUS=bereit für 日本"), true);
      assert.equal(notify("WATCHDOG=1"), true);
      assert.deepEqual(manager.received(), ["READY=1\nSTATUS=bereit für 日本", "WATCHDOG=1"]);
    });
  }

  it("does not wait for a manager that reads nothing, and reports the failure", async () => {
    using directory = tempDirectory();
    const name = join(directory.path, "notify");
    using manager = await openNotifySocket(name);
    const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
    let sent = 0;
    while (sent < 100_000 && notify("WATCHDOG=1")) sent++;
    assert.ok(sent > 0 && sent < 100_000, `${sent}`);
    assert.equal(manager.received().length, sent);
    assert.equal(notify("WATCHDOG=1"), true); // there is room again
  });

  it("reports a failure once the manager has stopped listening", async () => {
    using directory = tempDirectory();
    const name = join(directory.path, "notify");
    const manager = await openNotifySocket(name);
    const notify = await loadNotify({ NOTIFY_SOCKET: name }, unexpected);
    manager[Symbol.dispose]();
    assert.equal(notify("READY=1"), false);
  });

  it("sends nothing without a manager of this kind", async () => {
    for (
      const [env, platform] of [[{}, "linux"], [{ NOTIFY_SOCKET: "" }, "linux"], [
        { NOTIFY_SOCKET: "/run/x" },
        "darwin",
      ]] as const
    ) {
      assert.equal((await loadNotify(env, unexpected, platform))("READY=1"), false);
    }
  });

  it("reports an invalid name once, and continues", async () => {
    const said: string[] = [];
    const notify = await loadNotify({ NOTIFY_SOCKET: "vsock:2:3" }, (one) => said.push(one));
    assert.equal(notify("READY=1"), false);
    assert.equal(notify("WATCHDOG=1"), false);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /NOTIFY_SOCKET.*vsock:2:3/);
  });
});

describe("[O4] toSocketAddress()", () => {
  it("ends a path with a zero byte, and begins an abstract name with one", () => {
    assert.deepEqual([...toSocketAddress("/a") ?? []], [1, 0, 0x2f, 0x61, 0]);
    assert.deepEqual([...toSocketAddress("@a") ?? []], [1, 0, 0, 0x61]);
  });

  it("accepts a name of the maximum length, and no longer one", () => {
    assert.equal(toSocketAddress(`/${"x".repeat(106)}`)?.length, 110);
    assert.equal(toSocketAddress(`/${"x".repeat(107)}`), undefined);
    assert.equal(toSocketAddress(`@${"x".repeat(107)}`)?.length, 110);
    assert.equal(toSocketAddress(`@${"x".repeat(108)}`), undefined);
    assert.equal(toSocketAddress(`/${"é".repeat(54)}`), undefined);
  });

  it("refuses a relative path", () => {
    assert.equal(toSocketAddress("run/notify"), undefined);
  });
});

describe("[O4] watchdogMsOf()", () => {
  const CASES: readonly (readonly [env: NotifyEnv, ms: number | undefined])[] = [
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "1" }, 0.001],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "-1" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
    [{ WATCHDOG_USEC: "1e9" }, undefined],
    [{ WATCHDOG_PID: "7" }, undefined],
    [{}, undefined],
  ];
  for (const [env, ms] of CASES) {
    it(`reads ${JSON.stringify(env)} as ${ms}`, () => assert.equal(watchdogMsOf(env, 7), ms));
  }
});

it("[O4] forgetManager() › removes the variables with which a child could report in our name", () => {
  const env = { NOTIFY_SOCKET: "/x", WATCHDOG_USEC: "1", WATCHDOG_PID: "2", PATH: "/bin" };
  forgetManager(env);
  assert.deepEqual(env, { PATH: "/bin" });
});

const SIMULATED = { DISCORD_API_URL: "http://127.0.0.1:1" };

it("[G14] readFault() › reads how long to block the main thread, with a simulated Discord only", () => {
  const fault = { BARNACLE_FAULT: "block_main:5000" };
  assert.deepEqual(readFault({ ...SIMULATED, ...fault }), { kind: "block_main", ms: 5_000 });
  assert.equal(readFault(fault), undefined);
  assert.equal(readFault(SIMULATED), undefined);
  for (const text of ["block_main", "block_main:0", "block_main:60001", "stall:5"]) {
    assert.throws(() => readFault({ ...SIMULATED, BARNACLE_FAULT: text }), SyntaxError);
  }
});

describe("[G14] parseCrashPoint()", () => {
  const GOOD: readonly (readonly [text: string, place: string, passage: number])[] = [
    ["before:T0", "before:T0", 1],
    ["after:T5", "after:T5", 1],
    ["after:T3:17", "after:T3", 17],
    ["posted", "posted", 1],
    ["posted:2", "posted", 2],
    ["answered:1", "answered", 1],
  ];
  for (const [text, place, passage] of GOOD) {
    it(`reads ${text}`, () => assert.deepEqual(parseCrashPoint(text), { place, passage }));
  }

  const BAD = ["", "T3", "before", "before:T6", "before:x", "after:T3:0", "after:T3:9999999999"];
  for (const text of BAD) {
    it(`refuses ${JSON.stringify(text)}, and lists the valid forms`, () => {
      assert.throws(
        () => parseCrashPoint(text),
        (error: unknown) =>
          error instanceof SyntaxError && error.message.includes(`"${text}"`) &&
          error.message.includes("after:T3"),
      );
    });
  }
});

describe("[G14] readCrashPoint()", () => {
  const SIMULATED = { DISCORD_API_URL: "http://127.0.0.1:9000" };

  it("obeys the variable only with another server in Discord's place", () => {
    const env = { BARNACLE_CRASH_AT: "after:T3:17" };
    assert.equal(readCrashPoint(env), undefined);
    assert.equal(readCrashPoint({ ...env, DISCORD_API_URL: "" }), undefined);
    assert.deepEqual(readCrashPoint({ ...env, ...SIMULATED }), { place: "after:T3", passage: 17 });
  });

  it("returns nothing without the variable, and throws if it is misspelt", () => {
    assert.equal(readCrashPoint(SIMULATED), undefined);
    assert.equal(readCrashPoint({ ...SIMULATED, BARNACLE_CRASH_AT: "" }), undefined);
    assert.throws(
      () => readCrashPoint({ ...SIMULATED, BARNACLE_CRASH_AT: "after:T9" }),
      SyntaxError,
    );
    assert.equal(readCrashPoint({ BARNACLE_CRASH_AT: "after:T9" }), undefined);
  });
});

describe("[G14] createCrashPoints()", () => {
  it("kills at the given passage, and at no other place", () => {
    const killed: string[] = [];
    let passing = "";
    const points = createCrashPoints(parseCrashPoint("after:T3:2"), () => killed.push(passing));
    const pass = (name: string, run: () => void) => {
      passing = name;
      run();
    };
    pass("before 1", () => points.before("T3"));
    pass("after 1", () => points.after("T3"));
    pass("other", () => points.after("T4"));
    pass("posted", () => points.at("posted"));
    pass("before 2", () => points.before("T3"));
    pass("after 2", () => points.after("T3"));
    pass("after 3", () => points.after("T3"));
    assert.deepEqual(killed, ["after 2"]);
  });

  const script = join(import.meta.dirname!, "..", "..", "support", "process", "crash_child.ts");
  const ENDS:
    readonly (readonly [env: Record<string, string>, signal: string | null, said: string])[] = [
      [
        { DISCORD_API_URL: "http://127.0.0.1:9", BARNACLE_CRASH_AT: "posted:2" },
        "SIGKILL",
        "before 1\nafter 1\nbefore 2\n",
      ],
      [
        { DISCORD_API_URL: "", BARNACLE_CRASH_AT: "posted:2" },
        null,
        [1, 2, 3].map((passage) => `before ${passage}\nafter ${passage}\n`).join(""),
      ],
    ];
  for (const [env, signal, said] of ENDS) {
    it(`lets a process ${signal ? "do nothing after it" : "go on without a simulation"}`, () => {
      const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
      const ended = spawnSync(process.execPath, [...run, script], {
        env: { ...process.env, ...env },
        encoding: "utf8",
        timeout: 120_000,
      });
      assert.equal(ended.stdout, said);
      assert.equal(ended.signal, signal);
    });
  }
});
