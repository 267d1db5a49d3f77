/**
 * The parts of the process that a command may use: results go to stdout, all else to stderr (O10).
 * While slow work runs, a terminal shows one line about it.
 */

import process from "node:process";
import { stripVTControlCharacters, styleText } from "node:util";
import { schedule, type StartTimer } from "../../lib/clock.ts";
import type { Env } from "../../lib/env.ts";
import { printable, safeJson, safeOutput, wrapped } from "../../lib/text/quoted.ts";

const GAP = "  ";

/**
 * Breaks lines between words, so that a terminal does not break them within words. Further lines begin
 * below the last column that leaves room for the longest word, and is not too far to the right. Columns after it
 * get no more room than they need.
 *
 * @param columns Of the terminal.
 */
export function wrapLines(lines: readonly string[], columns: number): readonly string[] {
  return lines.flatMap((given) => {
    if (widthOf(stripVTControlCharacters(given)) <= columns) return [given];
    // A margin of more than half a line leaves no room for words.
    const line = given.replace(
      /^ +/,
      (own) => own.slice(0, own.length > columns / 2 ? 6 : undefined),
    );
    const plain = stripVTControlCharacters(line);
    const [margin = ""] = /^\s*/.exec(plain) ?? [];
    const head = headOf(plain, Math.min(columns / 2, columns - longestWord(plain, columns)));
    const indent = head.length > margin.length ? " ".repeat(widthOf(head)) : margin + GAP;
    const words = line.split(" "); // a style has no space, and may be anywhere
    const ofHead = head.split(" ").length - 1;
    let shown = words.slice(0, ofHead).map((word) => `${word} `).join("");
    let room = columns - widthOf(head);
    const broken: string[] = [];
    const rest = words.slice(ofHead).filter((word, at, all) => word !== "" || all[at - 1] !== "");
    for (const [at, word] of rest.entries()) {
      const width = widthOf(stripVTControlCharacters(word));
      if (at > 0 && width + 1 <= room) shown += ` ${word}`;
      else if (at === 0) shown += word;
      else {
        broken.push(shown);
        shown = indent + word;
        room = columns - indent.length + 1;
      }
      room -= width + (at === 0 ? 0 : 1);
    }
    return [...broken, shown];
  });
}

/** The width of the longest word, without those that fit into no line. */
function longestWord(line: string, columns: number): number {
  const widths = line.split(" ").map(widthOf);
  return Math.max(0, ...widths.filter((width) => width <= columns - GAP.length));
}

/** The margin and the columns of a line, up to a width. */
function headOf(line: string, most: number): string {
  const column = /\s*\S+(?: \S+)* {2,}/y;
  let end = /^\s*/.exec(line)?.[0].length ?? 0;
  while (column.test(line) && column.lastIndex <= most) end = column.lastIndex;
  return line.slice(0, end);
}

/** Columns that a text takes at most. A start does not load the tables of `displayWidth()` for this. */
function widthOf(text: string): number {
  const wide = text.match(/[\u1100-\u115f\u2e80-\u{10ffff}]|\p{Emoji_Presentation}/gu)?.length ?? 0;
  return wide + text.replace(/[\p{M}\p{Cf}]/gu, "").replace(/[^]/gu, "x").length;
}

export type Colour = "dim" | "red" | "green" | "yellow";

/** For pipes, files and JSON. */
export const PLAIN: Style = createStyle(undefined);

export const COLOURED: Style = createStyle(styleText);

/**
 * Chooses the style of a stream: coloured on a terminal, unless `NO_COLOR` is set or `TERM` is
 * `dumb`.
 *
 * The check is our own, since `styleText`'s asks `getColorDepth()`, which Deno answers without a
 * terminal, too.
 *
 * @param stream `isTTY` is `undefined`, not false, for a pipe on Bun.
 */
export function styleFor(stream: { readonly isTTY?: boolean }, env: Env): Style {
  return stream.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb" ? COLOURED : PLAIN;
}

function createStyle(paint: typeof styleText | undefined) {
  const painter = (format: "bold" | Colour) => (text: string): string =>
    paint ? paint(format, text, { validateStream: false }) : text;
  return {
    /** Whether texts get escape sequences. */
    isOn: paint !== undefined,
    bold: painter("bold"),
    dim: painter("dim"),
    red: painter("red"),
    green: painter("green"),
    yellow: painter("yellow"),
  };
}

/** Functions that style a text; {@link PLAIN} returns each text unchanged. */
export type Style = ReturnType<typeof createStyle>;

/** Input and output of a command. */
export interface Io {
  readonly env: Env;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  /** Whether stderr is a terminal. */
  readonly isTerminal: boolean;
  /** Styles text for stdout. */
  readonly style: Style;
  readonly errStyle: Style;
  /**
   * Writes a line of the result to stdout. On a terminal, no character of it is a command, and it is
   * broken between words. A text of several lines, such as a config, keeps its own.
   *
   * @param options `isWhole`: the line stays whole, because a person copies it.
   */
  out(line: string, options?: { readonly isWhole?: boolean }): void;
  /** Writes a note to stderr, of which no terminal obeys more than colours. */
  err(line: string): void;
  /** Writes an error to stderr, after `barnacle: `. */
  problem(message: string): void;
  /**
   * Asks a yes-or-no question. Absent unless a person is at both ends: no command waits for an answer
   * then.
   */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Shows a status line on a terminal while slow work runs: `"Asking Discord"`. */
  during<T>(text: string, work: Promise<T>): Promise<T>;
}

/** Narrower terminals break lines themselves. */
const MIN_COLUMNS = 40;

/** The process's two output streams, and its environment. */
export type Terminal = Pick<typeof process, "stdout" | "stderr" | "env">;

/** Columns of a terminal. Some, such as those of `script` and containers, tell 0: they do not know. */
function columnsOf({ columns }: { readonly columns?: number }): number {
  return columns || 80;
}

/** Breaks the text of an error between words, as wide as stderr is. */
export function wrappedError(text: string, stderr: Terminal["stderr"]): string {
  const width = stderr.isTTY === true ? Math.max(MIN_COLUMNS, columnsOf(stderr)) : Infinity;
  return text.split("\n").flatMap((one) => wrapped(one, width)).join("\n");
}

/**
 * Opens stdout and stderr of this process.
 *
 * @param flags With `--json` nothing is styled, and no status line appears.
 */
export function createProcessIo(
  { json }: { readonly json: boolean },
  { stdout, stderr, env }: Terminal = process,
): Io {
  const isTerminal = stderr.isTTY === true; // undefined, not false, on Bun
  const status: ReturnType<typeof createStatusLine> = isTerminal && !json && env["TERM"] !== "dumb"
    ? createStatusLine(stderr, schedule)
    : { during: (_text, work) => work, erase() {} };
  const errStyle = json ? PLAIN : styleFor(stderr, env);

  function err(line: string): void {
    status.erase();
    const text = safeOutput(line);
    stderr.write(`${json ? text : wrappedError(text, stderr)}\n`);
  }

  return {
    env,
    cwd: process.cwd(),
    isTerminal,
    style: json ? PLAIN : styleFor(stdout, env),
    errStyle,
    out(line, { isWhole = false } = {}) {
      status.erase();
      // Escapes are the same data in JSON; other text goes unchanged to pipes and files.
      const shown = json ? safeJson(line) : stdout.isTTY === true ? safeOutput(line) : line;
      const isWrapped = stdout.isTTY === true && !json && !isWhole && !line.includes("\n");
      const width = Math.max(MIN_COLUMNS, columnsOf(stdout));
      for (const one of isWrapped ? wrapLines([shown], width) : [shown]) stdout.write(`${one}\n`);
    },
    err,
    problem: (message) => err(`${errStyle.red(errStyle.bold("barnacle:"))} ${message}`),
    confirm: process.stdin.isTTY === true && process.stdout.isTTY === true ? confirmed : undefined,
    during: status.during,
  };
}

/** The answer is no, unless the user types `y` or `yes`. */
async function confirmed(question: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** Milliseconds until the line appears, and between two updates of its seconds. */
const SECOND_MS = 1_000;

/** To the line's beginning, and erase it. */
const ERASE = "\r\u001b[K";

/** A line such as `Checking the connection to Discord (3 s)`. */
export function createStatusLine(stream: {
  /** Columns of the terminal; 80 if it does not say. */
  readonly columns?: number;
  write(text: string): unknown;
}, schedule: StartTimer) {
  let isShown = false;

  function erase(): void {
    if (isShown) stream.write(ERASE);
    isShown = false;
  }

  return {
    /** Erases the line before other output; it comes back with the next second. */
    erase,
    /**
     * Shows a text if the work takes more than a second; only one text at a time.
     *
     * @param text The text, or a function that returns the current one.
     * @returns Its own promise, once the line is cleared.
     */
    async during<T>(text: string | (() => string), work: Promise<T>): Promise<T> {
      let seconds = 0;
      let cancel = schedule(tick, SECOND_MS);
      function tick(): void {
        seconds += 1;
        // A line that wraps could not be erased.
        const shown = printable(typeof text === "string" ? text : text());
        const line = `${shown} (${seconds} s)`.slice(0, columnsOf(stream) - 1);
        stream.write(`${ERASE}${line}`);
        isShown = true;
        cancel = schedule(tick, SECOND_MS);
      }
      try {
        return await work;
      } finally {
        cancel();
        erase();
      }
    },
  };
}
