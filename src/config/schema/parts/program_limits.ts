/** Keys for the limits of programs (SEC-R22). */

import { z } from "zod";
import { MB, type WrittenLimits } from "../../../lib/program_limits.ts";
import { key, whole } from "./key.ts";

/** Largest limit that can be written: 1 TB. */
const MOST = MB;

/**
 * The section `limits` of a kind of programs.
 *
 * @param program The subject: "a command".
 * @param holds What counts as its disk: "the workspace may hold".
 */
export function programLimits(
  { memoryMb, tempMb, diskMb }: WrittenLimits,
  program: string,
  holds: string,
) {
  const megabytes = (value: number, description: string) =>
    key(whole(1, MOST).default(value), description, { unit: "megabytes", example: 2 * value });
  return key(
    z.strictObject({
      memoryMb: megabytes(
        memoryMb,
        `Maximum memory of ${program} with all its processes. Barnacle ends it beyond that.`,
      ),
      tempMb: megabytes(
        tempMb,
        `Maximum size of \`/tmp\` in the sandbox, which is memory. Beyond that, ${program} gets ` +
          "the error that the disk is full.",
      ),
      diskMb: megabytes(
        diskMb,
        `Maximum size that ${holds} while ${program} writes. Barnacle ends it beyond that.`,
      ),
    }).prefault({}),
    `Limits of memory and disk of ${program}.`,
  );
}
