import assert from "node:assert/strict";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  createCrashPoints,
  parseCrashPoint,
  readCrashPoint,
  readFault,
} from "../../../src/host/process/crash_points.ts";

const SIMULATED = { DISCORD_API_URL: "http://127.0.0.1:1" };

describe("[G14] readFault()", () => {
  it("reads how long to block the main thread, with a simulated Discord only", () => {
    const fault = { BARNACLE_FAULT: "block_main:5000" };
    assert.deepEqual(readFault({ ...SIMULATED, ...fault }), { kind: "block_main", ms: 5_000 });
    assert.equal(readFault(fault), undefined);
    assert.equal(readFault(SIMULATED), undefined);
    for (const text of ["block_main", "block_main:0", "block_main:60001", "stall:5"]) {
      assert.throws(() => readFault({ ...SIMULATED, BARNACLE_FAULT: text }), SyntaxError);
    }
  });
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
