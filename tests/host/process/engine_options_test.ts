import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  beBusy,
  endStart,
  engineOptions,
  isCompiledUrl,
  type Replaceable,
  restartWithOptions,
} from "../../../src/host/process/engine_options.ts";

const MIB = 1024 ** 2;
const LARGE = 8_192 * MIB;

interface Start {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Restarts a made-up process, and returns its environment and the start of its successor. */
function restart(
  env: Record<string, string | undefined>,
  { isCompiled = true, execve, args = ["--data", "d"], platform = "linux" }: {
    readonly platform?: string;
    readonly isCompiled?: boolean;
    readonly execve?: Replaceable["execve"];
    readonly args?: readonly string[];
  } = {},
): { readonly env: typeof env; readonly starts: readonly Start[] } {
  const starts: Start[] = [];
  const target: Replaceable = {
    env,
    argv: ["bun", "/$bunfs/root/barnacle", "run", ...args],
    argv0: "barnacle",
    execPath: "/usr/bin/barnacle",
    platform,
    execve: execve ?? ((file, args, env) => void starts.push({ file, args, env })),
  };
  restartWithOptions(target, isCompiled, LARGE);
  return { env, starts };
}

describe("engineOptions()", () => {
  it("plans for less memory than a large machine has", () => {
    assert.equal(engineOptions({}, LARGE)["BUN_JSC_forceRAMSize"], String(512 * MIB));
    assert.equal(engineOptions({}, 512 * MIB)["BUN_JSC_forceRAMSize"], undefined);
  });

  it("leaves all options to an operator who has set one of them", () => {
    for (const name of Object.keys(engineOptions({}, LARGE))) {
      assert.deepEqual(engineOptions({ [name]: "1" }, LARGE), {});
    }
  });
});

const URLS: readonly (readonly [url: string, isCompiled: boolean])[] = [
  ["file:///$bunfs/root/barnacle", true],
  ["file:///B:/~BUN/root/barnacle.exe", true],
  ["file:///B:/%7EBUN/root/chunk-1.js", true],
  ["file:///C:/~BUN/root/main.ts", false],
  ["file:///home/ada/bunfs/src/main.ts", false],
  ["file:///B:/barnacle/src/main.ts", false],
];
for (const [url, isCompiled] of URLS) {
  it(`[O10] isCompiledUrl() › ${isCompiled ? "finds" : "does not find"} ${url} in a compiled program`, () => {
    assert.equal(isCompiledUrl(url), isCompiled);
  });
}

describe("restartWithOptions()", () => {
  it("does not try on Windows, where the runtime's function throws", () => {
    assert.deepEqual(restart({ HOME: "/root" }, { platform: "win32" }).starts, []);
  });

  it("starts the same program with the same arguments, and adds the options", () => {
    const { starts } = restart({ HOME: "/root" });
    assert.deepEqual(starts, [{
      file: "/usr/bin/barnacle",
      args: ["barnacle", "run", "--data", "d"],
      env: { HOME: "/root", ...engineOptions({}, LARGE) },
    }]);
  });

  it("restarts once, and then hides the options from other programs", () => {
    const { env, starts } = restart({ HOME: "/root", ...engineOptions({}, LARGE) });
    assert.deepEqual(starts, []);
    assert.deepEqual(env, { HOME: "/root" });
  });

  it("keeps a program that runs from its source", () => {
    assert.deepEqual(restart({}, { isCompiled: false }).starts, []);
  });

  it("[O2] drops the runtime's warning about a forbidden restart, and no later one", async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error) => void warnings.push(message);
    process.on("warning", note);
    try {
      restart({}, {
        execve() {
          process.emitWarning("execve is experimental");
          throw new Error("EPERM");
        },
      });
      await nextTurn();
      process.emitWarning("a later one");
      await nextTurn();
      assert.deepEqual(warnings, ["a later one"]);
    } finally {
      process.off("warning", note);
    }
  });

  it("goes on without the options if the system forbids the start", () => {
    const { env } = restart({ HOME: "/root" }, {
      execve() {
        throw new Error("EACCES");
      },
    });
    assert.deepEqual(env, { HOME: "/root" });
  });
});

describe("endStart()", () => {
  it("leaves a threshold above the usual one, for a bot that is not busy", () => {
    const scales: number[] = [];
    endStart({ unsafe: { setJITPolicy: (scale: number) => void scales.push(scale) } });
    assert.deepEqual(scales, [8]);
  });

  it("does nothing in a runtime without this policy", () => endStart({}));
});

describe("beBusy()", () => {
  it("does nothing in a runtime without this policy, and works in this one", () => {
    for (const runtime of [null, {}, { unsafe: {} }, { unsafe: null }]) beBusy(runtime);
    beBusy();
  });
});
