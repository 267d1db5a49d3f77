/** Asks the user a yes-or-no question on the terminal. */

import process from "node:process";
import { createInterface } from "node:readline/promises";

/**
 * Prepares the question. The answer is no, unless the user types `y` or `yes`.
 *
 * @returns `undefined` without a terminal: the command must not wait for an answer then.
 */
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
