import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { ownCommand } from "../../src/host/process/own_process.ts";
import { createJobs, runCode } from "../../src/sandbox/jobs.ts";
import { sameData } from "../support/same_data.ts";

const { HOME = "", DENO_DIR } = process.env;
const OWN = { ...ownCommand(), env: { HOME, ...(DENO_DIR !== undefined && { DENO_DIR }) } };
const { signal } = new AbortController();

describe("[T6] runCode()", () => {
  it("runs a script in a process of its own", async () => {
    const job = { source: "files.a + 1", files: { a: "x\u2028\n" }, timeoutMs: 60_000 };
    sameData(await runCode(OWN, job, signal), { output: "", value: "x\u2028\n1" });
  });

  it("kills a script that the engine does not end", async () => {
    const source = "Array.prototype.indexOf.call({ length: 2 ** 53 }, 1)";
    const end = await runCode(OWN, { source, files: {}, timeoutMs: 100 }, signal);
    sameData(end, { output: "", failure: "it ran longer than 0.1 s" });
  });

  it("kills the process when the turn ends", async () => {
    const stop = new AbortController();
    const run = runCode(OWN, { source: "for (;;);", files: {}, timeoutMs: 60_000 }, stop.signal);
    stop.abort(new Error("stopped"));
    await assert.rejects(run, /stopped/);
  });

  it("runs scripts and tools of one person one after the other", async () => {
    const { sandboxed } = createJobs(new URL("file:///none"), OWN);
    const ends: string[] = [];
    const run = (by: string, source: string) =>
      sandboxed({ source, files: {}, timeoutMs: 60_000 }, signal, by).then((end) =>
        ends.push(`${by} ${end.value ?? end.failure}`)
      );
    const slow = "for (let end = Date.now() + 1500; Date.now() < end;); 1";
    await Promise.all([run("ann", slow), run("ann", "2"), run("bob", "3")]);
    assert.deepEqual(ends, ["bob 3", "ann 1", "ann 2"]);
  });

  it("says so if it cannot be started", async () => {
    const own = { program: "/does/not/exist", args: [], env: {} };
    await assert.rejects(
      runCode(own, { source: "1", files: {}, timeoutMs: 100 }, signal),
      /cannot be started/,
    );
  });
});
