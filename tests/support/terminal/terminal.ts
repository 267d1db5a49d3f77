/** Runs a program on a pseudo-terminal, and types into it as a person would. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Env } from "../../../src/lib/env.ts";
import { PATIENCE_MS } from "../bot/e2e.ts";

export const KEY = {
  enter: "\r",
  up: "\u001b[A",
  down: "\u001b[B",
  space: " ",
  escape: "\u001b",
  interrupt: "\u0003",
} as const;

export interface OpenTerminal {
  /** All that the program has written, without escape sequences. */
  readonly screen: () => string;
  /** Types a text. It counts as one key if it is pasted. */
  type(text: string, isPasted?: boolean): void;
  /** Waits for a text after those that were waited for before. */
  see(pattern: RegExp): Promise<void>;
  /** Number of keys so far. */
  readonly keys: () => number;
  /** The program's exit code; 128 and the number of its signal after one. */
  readonly exited: Promise<number>;
  kill(): void;
}

/** Starts a program on a terminal of 110 columns. */
export function openTerminal(
  program: string,
  args: readonly string[],
  env: Env,
  cwd?: string,
): OpenTerminal {
  const bridge = join(import.meta.dirname ?? ".", "pseudo_terminal.py");
  const child = spawn("python3", [bridge, program, ...args], {
    env: { ...env, TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "inherit"],
    ...(cwd !== undefined && { cwd }),
  });
  let text = "";
  let seen = 0;
  let keys = 0;
  const waiting = new Set<() => void>();
  child.stdout.on("data", (chunk: Uint8Array) => {
    text += new TextDecoder().decode(chunk);
    for (const look of waiting) look();
  });
  const screen = () => stripVTControlCharacters(text);
  const exited = new Promise<number>((resolve) => {
    child.once("close", (code) => {
      resolve(code ?? -1);
      for (const look of waiting) look();
    });
  });
  let hasEnded = false;
  void exited.then(() => hasEnded = true);
  return {
    screen,
    type(typed, isPasted = false) {
      keys += isPasted ? 1 : typed.startsWith("\u001b") ? 1 : typed.length;
      child.stdin.write(typed);
    },
    see: (pattern) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => end(() => reject(fault("Timed out"))), PATIENCE_MS);
        const fault = (what: string) =>
          new Error(`${what} waiting for ${pattern} on the terminal:\n${screen().slice(-3_000)}`);
        const end = (settle: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          settle();
        };
        const look = () => {
          const rest = screen().slice(seen);
          const found = pattern.exec(rest);
          if (found) {
            seen += found.index + found[0].length;
            end(resolve);
          } else if (hasEnded) end(() => reject(fault("Ended")));
        };
        waiting.add(look);
        void exited.then(look);
        look();
      }),
    keys: () => keys,
    exited,
    kill: () => child.kill("SIGKILL"),
  };
}
