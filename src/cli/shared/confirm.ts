/**
 * Asks a person a question that yes or no answers.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline/promises";

/** @returns `undefined` where nobody sits at a terminal, so that nobody waits for an answer. */
export function confirmOnTerminal(): ((question: string) => Promise<boolean>) | undefined {
  const { stdin: input, stderr: output } = process;
  if (input.isTTY !== true || output.isTTY !== true) return undefined;
  return async (question) => {
    const lines = createInterface({ input, output });
    try {
      return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
    } finally {
      lines.close();
    }
  };
}
