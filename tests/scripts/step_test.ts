import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipUnless } from "../support/skip.ts";
import { faultOf, runStep } from "../../scripts/step.ts";

const SHELL = "/bin/sh";
const LONG_MS = 60_000;
const SKIP = skipUnless(existsSync("/proc/self/autogroup"), "no groups of sessions in /proc");

/** Waits until no process has this id, or only a dead one that its parent has not read. */
async function gone(pid: number): Promise<void> {
  const state = () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "")[0];
    } catch {
      return undefined;
    }
  };
  for (let tries = 0; tries < 250; tries++) {
    if ([undefined, "Z"].includes(state())) return;
    await sleep(20);
  }
  assert.fail(`process ${pid} still runs`);
}

describe("runStep()", () => {
  it("returns the output, and no fault for code 0", async () => {
    const { output, fault } = await runStep(SHELL, ["-c", "echo $WORD; echo two >&2"], {
      env: { WORD: "one" },
      limitMs: LONG_MS,
    });
    assert.deepEqual(Buffer.concat(output).toString().split("\n").filter(Boolean).sort(), [
      "one",
      "two",
    ]);
    assert.equal(fault, undefined);
  });

  it("names the exit code, and the signal of a killed step", async () => {
    const run = async (script: string) =>
      (await runStep(SHELL, ["-c", script], { limitMs: LONG_MS })).fault;
    assert.equal(await run("exit 3"), "exit code 3");
    assert.match(await run("kill -9 $$") ?? "", /^ended by SIGKILL/);
  });

  it("stops a step at its limit with all processes that it started, and says so", async () => {
    const script = "trap '' TERM; sleep 60 & echo $!; wait; sleep 60";
    const { output, fault } = await runStep(SHELL, ["-c", script], { limitMs: 300, graceMs: 100 });
    assert.match(fault ?? "", /^stopped after 0\.3 s, the limit of a step/);
    const started = Number(Buffer.concat(output).toString());
    assert.ok(started > 0);
    await gone(started);
  });

  it("counts the processor time of the step and its children, not of steps beside it", async () => {
    const busy = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done";
    const [one, other] = await Promise.all([
      runStep(SHELL, ["-c", `sh -c '${busy}'; true`], { limitMs: LONG_MS }),
      runStep(SHELL, ["-c", "sleep 0.5"], { limitMs: LONG_MS }),
    ]);
    assert.ok((one.cpuSeconds ?? 0) > 0.05, `${one.cpuSeconds}`);
    assert.ok((other.cpuSeconds ?? 1) < 0.05, `${other.cpuSeconds}`);
  });

  it("leaves a busy processor to the other steps, if asked to", SKIP, async () => {
    const script = "until grep -q 'nice 5' /proc/$$/autogroup; do sleep 0.01; done";
    const { fault } = await runStep(SHELL, ["-c", script], { limitMs: LONG_MS, isLast: true });
    assert.equal(fault, undefined);
    const { output } = await runStep(SHELL, ["-c", "cat /proc/$$/autogroup"], { limitMs: LONG_MS });
    assert.match(Buffer.concat(output).toString(), / nice 0\n/);
  });

  it("reports a program that is not there", async () => {
    const { fault, output } = await runStep("/no/such/program", [], { limitMs: LONG_MS });
    assert.equal(fault, "exit code 127");
    assert.match(Buffer.concat(output).toString(), /no\/such\/program/);
  });
});

describe("faultOf()", () => {
  it("names the limit, whatever the code", () => {
    for (const code of [0, 1, null]) {
      assert.match(faultOf(code, null, 1_800_000) ?? "", /stopped after 1800 s/);
    }
  });
});
