/** A process without a free descriptor, which prints its memory as far as it can read it. */

import { openSync } from "node:fs";
import { residentBytes } from "../../../src/host/process/boot.ts";

residentBytes(); // loads its code
try {
  for (;;) openSync("/dev/null", "r");
} catch {
  console.log(residentBytes() ?? "unknown");
}
