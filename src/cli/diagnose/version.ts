/**
 * `barnacle version`: which Barnacle this is, and what it runs on.
 *
 * @module
 */

import process from "node:process";
import { buildFacts } from "../shared/build.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";

export function version({ json }: { readonly json: boolean }, { out }: Io): ExitCode {
  const facts = { ...buildFacts(), platform: `${process.platform}-${process.arch}` };
  const { version, commit, runtime, sqlite, platform } = facts;
  const name = commit === "" ? version : `${version} (${commit})`;
  out(json ? JSON.stringify(facts) : `barnacle ${name}, ${runtime}, SQLite ${sqlite}, ${platform}`);
  return EXIT.done;
}
