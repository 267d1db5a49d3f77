/** Finds the weights of the intent filter: an owner's own file, or the shipped ones (I2). */

import { join } from "node:path";
import { readIntentWeights } from "../../policy/intent/weights.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { codeOf } from "../../lib/errors.ts";

const FILE_NAME = "intent-weights.json";
const MAX_BYTES = 100_000;

/**
 * Reads the weights.
 *
 * @returns With a `problem`, the shipped weights stand in for the file.
 */
export function intentWeightsIn(dataDir: string): ReturnType<typeof readIntentWeights> {
  const file = join(dataDir, FILE_NAME);
  try {
    const { weights, problem } = readIntentWeights(readBounded(file, { maxBytes: MAX_BYTES }));
    return { weights, problem: problem && `${file}: ${problem}` };
  } catch (error) {
    const problem = codeOf(error) === "ENOENT" ? undefined : `cannot read ${file}: ${error}`;
    return { ...readIntentWeights(undefined), problem };
  }
}
