/** Skips a test visibly: the run's last lines list skipped tests and their reasons. */

import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import process from "node:process";

/**
 * Options for a test or suite with a requirement that this machine may lack.
 *
 * @param reason The missing requirement: `"no Chromium at /usr/bin/chromium"`.
 */
export function skipUnless(isHere: boolean, reason: string): { readonly skip: boolean | string } {
  if (isHere) return { skip: false };
  console.log(`skipped: ${reason}`);
  const file = process.env["BARNACLE_SKIPS"];
  if (file) appendFileSync(file, `${reason}\n`);
  return { skip: reason };
}

/** For tests that run programs in a sandbox. It does not ask the code under test. */
export function needsBubblewrap(): { readonly skip: boolean | string } {
  const { status } = spawnSync("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"]);
  return skipUnless(
    status === 0,
    "commands in a sandbox: bubblewrap is missing, or does not work here",
  );
}
