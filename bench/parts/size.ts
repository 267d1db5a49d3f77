/** Bench: the size of the binary, and of its compressed download. */

import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import type { Readings } from "../stand/stats.ts";

const MB = 1_000_000;
const MAX_PACKED_BYTES = 256 * MB;

export function benchSize(file: string): Readings {
  const packed = spawnSync("xz", ["-6", "--stdout", "--threads=1", file], {
    maxBuffer: MAX_PACKED_BYTES,
  });
  return {
    binaryMb: statSync(file).size / MB,
    ...(packed.status === 0 && { packedMb: packed.stdout.length / MB }),
  };
}
