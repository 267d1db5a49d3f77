/**
 * `barnacle version`: prints version, commit, runtime and platform.
 *
 * @module
 */

import process from "node:process";
import { readBuild } from "../shared/build.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";

/** Prints one line. */
export function version({ json }: { readonly json: boolean }, { out }: Io): ExitCode {
  const facts = { ...readBuild(), platform: `${process.platform}-${process.arch}` };
  const { version, commit, runtime, sqlite, platform } = facts;
  const name = commit === "" ? version : `${version} (${commit})`;
  out(json ? JSON.stringify(facts) : `barnacle ${name}, ${runtime}, SQLite ${sqlite}, ${platform}`);
  return EXIT.done;
}
