/**
 * Skips a test out loud: what is skipped, and why, is in the run's last lines.
 *
 * @module
 */

import { appendFileSync } from "node:fs";
import process from "node:process";

/**
 * Options for a test or suite that needs something which may not be here.
 *
 * @param reason What is missing: `"no Chromium at /usr/bin/chromium"`.
 */
export function skipUnless(isHere: boolean, reason: string): { readonly skip: boolean | string } {
  if (isHere) return { skip: false };
  console.log(`skipped: ${reason}`);
  const file = process.env["BARNACLE_SKIPS"];
  if (file) appendFileSync(file, `${reason}\n`);
  return { skip: reason };
}
