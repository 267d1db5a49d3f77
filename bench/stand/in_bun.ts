/** Runs a measurement in Bun, the runtime of the binary. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Readings } from "./stats.ts";

const BUN = fileURLToPath(new URL("../../node_modules/.bin/bun", import.meta.url));

/**
 * Runs a module, which prints its readings as JSON.
 *
 * @param url The module's `import.meta.url`.
 * @throws {Error} If it fails, or prints no readings.
 */
export function readInBun(url: string): Readings {
  const printed = execFileSync(BUN, ["run", fileURLToPath(url)], { encoding: "utf8" });
  const readings: unknown = JSON.parse(printed);
  if (typeof readings !== "object" || readings === null) {
    throw new Error(`Not readings: ${printed}`);
  }
  return Object.fromEntries(Object.entries(readings).map(([name, value]) => [name, Number(value)]));
}
