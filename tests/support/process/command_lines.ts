/**
 * Runs many command lines in one process, because a process for each would take minutes. Reads them
 * as JSON from the file of its first argument, and prints their outcomes as JSON.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { FEATURES } from "../../../src/features/features.ts";
import { runCommandLine } from "../../../src/cli/app.ts";

/** What a person sees of a command. */
export interface Outcome {
  /** The exit code; a text if it did not end as commands do. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds. A wrong value ends a command at once, but a backup may take long on a busy machine. */
const LIMIT_MS = 180_000;

async function outcomeOf(args: readonly string[]): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  const own = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ["stdout", "stderr"] as const) {
    Object.assign(process[name], {
      write(text: string) {
        written[name] += text;
        return true;
      },
    });
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("does not end"), LIMIT_MS);
  });
  try {
    const code = await Promise.race([runCommandLine(args, process, FEATURES), late]);
    return { code, ...written };
  } catch (error) {
    return { code: `throws ${String(error)}`, ...written };
  } finally {
    clearTimeout(timer);
    for (const name of ["stdout", "stderr"] as const) {
      Object.assign(process[name], { write: own[name] });
    }
  }
}

const [, , file = ""] = process.argv;
const outcomes: Outcome[] = [];
for (const args of JSON.parse(readFileSync(file, "utf8")) as readonly (readonly string[])[]) {
  outcomes.push(await outcomeOf(args));
}
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
