/** Asks another program of Barnacle which version it is, which also shows that it runs here. */

import { execFile } from "node:child_process";
import process from "node:process";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { codeOf } from "../../lib/errors.ts";

/** A program's description of itself. */
export interface ProgramFacts {
  readonly version: string;
  /** Number of the newest schema that its store can have. */
  readonly schema: number;
}

/** Milliseconds for the answer: a slow memory card reads 130 MB first. */
const ANSWER_MS = 60_000;

/**
 * Runs `version --json` of a program.
 *
 * @returns Its facts; a text why there are none.
 */
export function tryProgram(program: string): Promise<ProgramFacts | string> {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  const options = {
    env: { PATH, HOME, TMPDIR, SystemRoot },
    timeout: ANSWER_MS,
    maxBuffer: 65_536,
  };
  return new Promise((resolve) => {
    execFile(program, ["version", "--json"], options, (error, stdout, stderr) => {
      if (error) {
        const [line = ""] = stderr.trim().split("\n");
        const reason = error.signal ?? codeOf(error) ?? `exit code ${error.code ?? "unknown"}`;
        return resolve(printable(line === "" ? String(reason) : `${line.slice(0, 200)}`));
      }
      const facts = parseForeignJson(stdout);
      const { version, schema } = isRecord(facts) ? facts : {};
      resolve(
        typeof version === "string" && typeof schema === "number"
          ? { version, schema }
          : "it does not say which version it is",
      );
    });
  });
}
