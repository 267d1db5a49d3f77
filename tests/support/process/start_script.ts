/** Starts another process of this runtime, for tests of locks between processes. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";

/** A started script; it is killed when it is disposed of. */
export interface StartedScript extends AsyncDisposable {
  /** Process id. */
  readonly pid: number | undefined;
  /** First output, trimmed; `"nothing"` if it ended without any. */
  readonly said: string;
  /** Kills it, and waits for its end. */
  kill(): Promise<void>;
}

/**
 * Starts a script of this folder, and waits for its first output.
 *
 * @param script File name: `"token_holder.ts"`.
 */
export async function startScript(script: string, args: readonly string[]): Promise<StartedScript> {
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const child: ChildProcess = spawn(
    process.execPath,
    [...run, join(import.meta.dirname ?? ".", script), ...args],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  const output = child.stdout ? once(child.stdout, "data") : exited.then(() => ["nothing"]);
  const [said] = await Promise.race([output, exited.then(() => ["nothing"])]);
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  return { pid: child.pid, said: String(said).trim(), kill, [Symbol.asyncDispose]: kill };
}
