/** Tells faults of files and folders in words. */

import { wordsOfCode } from "../errors.ts";
import { printable } from "./quoted.ts";

/**
 * Tells a fault of a file or a folder, which no stack explains.
 *
 * @returns `"cannot use /a/b: its disk is full"`; `undefined` for any other error.
 */
export function pathProblemOf(thrown: unknown): string | undefined {
  const words = wordsOfCode(thrown);
  const path = typeof thrown === "object" && thrown !== null && "path" in thrown
    ? thrown.path
    : undefined;
  return words === undefined || typeof path !== "string"
    ? undefined
    : `cannot use ${printable(path)}: ${words}`;
}
