/**
 * Shows problems of a config like a good compiler: with line, marker and hint.
 *
 * A problem contains its line with possible secrets already blanked. So code that prints a problem
 * needs no text of the file, and cannot show too much of it.
 */

import { printable, UNPRINTABLE } from "../../lib/text/quoted.ts";

/**
 * How bad a problem is.
 *
 * - `error`: Barnacle does not start (78).
 * - `warning`: something has no effect, or more effect than it seems.
 * - `note`: a default of this version may surprise.
 */
export type Severity = "error" | "warning" | "note";

export interface Problem {
  readonly severity: Severity;
  /** Path of the file; absent if the problem is in the environment. */
  readonly file?: string;
  /** From 1; absent if the key is not written. */
  readonly line?: number;
  /** From 1, in UTF-16 units, as editors count. */
  readonly column?: number;
  /** Key path: `"channels.discord.guilds.123.users[0]"`; empty for the file as a whole. */
  readonly path: string;
  /** The fault: the value found, and the allowed values. */
  readonly message: string;
  /** How to fix it. */
  readonly hint?: string;
  /** The line with the fault; absent if the problem is in no line. */
  readonly excerpt?: Excerpt;
}

export interface Excerpt {
  /** One line with secrets blanked and control characters replaced; long lines are cut. */
  readonly text: string;
  /** Start of the marker in `text`, from 0. */
  readonly start: number;
  /** Length of the marker, from 1. */
  readonly length: number;
}

export interface Span {
  /** Start in the text, in UTF-16 units from 0. */
  readonly offset: number;
  /** Length in UTF-16 units. */
  readonly length: number;
}

/** Maximum length of a shown line, in UTF-16 units. */
const MAX_EXCERPT = 120;

/** Maximum number of problems to show; a file may contain a million. */
const MAX_SHOWN = 100;

/** Runs as long as tokens and keys; if they mix letters and digits, they are not words. */
const LONG_RUN = /[\w.~=-]{20,}/g;

/** User name and password of an address, before its host. */
const USER_INFO = /(?<=:\/\/)[^\s"'/?#]*(?=@)/g;

/**
 * Reads the lines of a file once, for all problems in it.
 *
 * @param secrets Parts that must never be shown, in the file's order.
 */
export function createLines(text: string, secrets: readonly Span[]) {
  const starts = [0];
  for (const { index } of text.matchAll(/\r\n|\r|\n/g)) {
    starts.push(text[index] === "\r" && text[index + 1] === "\n" ? index + 2 : index + 1);
  }

  const lineAt = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  return {
    /** Line and column, from 1. */
    positionOf(offset: number): { readonly line: number; readonly column: number } {
      const line = lineAt(offset);
      return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
    },

    excerptOf({ offset, length }: Span): Excerpt {
      const from = starts[lineAt(offset)] ?? 0;
      const column = offset - from;
      // A file may be one line of a million characters, so only the part near the fault is read.
      const cut = Math.max(0, column - MAX_EXCERPT / 3);
      const raw = /^[^\r\n]*/.exec(text.slice(from, from + cut + 2 * MAX_EXCERPT))?.[0] ?? "";
      const near = raw.length > MAX_EXCERPT ? cut : 0;
      const line = blanked(raw, from, secrets);
      const shown = `${near > 0 ? "…" : ""}${line.slice(near, near + MAX_EXCERPT)}` +
        `${line.length > near + MAX_EXCERPT ? "…" : ""}`;
      const start = column - near + (near > 0 ? 1 : 0);
      return {
        text: shown.replace(UNPRINTABLE, (character) => " ".repeat(character.length))
          .replace(/\p{Cs}/gu, " ").trimEnd(),
        start,
        length: Math.max(1, Math.min(length, shown.length - start)),
      };
    },
  };
}

export type Lines = ReturnType<typeof createLines>;

/** A text with possible tokens and keys blanked, letter by letter. */
export function withoutSecrets(text: string): string {
  return text.replace(USER_INFO, (login) => "*".repeat(login.length)).replace(
    LONG_RUN,
    (run) => /\d/.test(run) && /[A-Za-z]/.test(run) ? "*".repeat(run.length) : run,
  );
}

/** Problems as text for the operator, each followed by an empty line. */
export function renderProblems(
  problems: readonly Problem[],
  { colour = false }: { readonly colour?: boolean } = {},
): string {
  const paint = colour ? PAINT : PLAIN;
  const shown = problems.slice(0, MAX_SHOWN).map((problem) => render(problem, paint));
  const rest = problems.length - shown.length;
  if (rest > 0) shown.push(`… and ${rest} more\n`);
  return shown.join("\n");
}

type Paint = Readonly<Record<Severity | "dim", (text: string) => string>>;

const PLAIN: Paint = { error: unpainted, warning: unpainted, note: unpainted, dim: unpainted };

const PAINT: Paint = {
  error: (text) => `\u001b[1;31m${text}\u001b[0m`,
  warning: (text) => `\u001b[1;33m${text}\u001b[0m`,
  note: (text) => `\u001b[1;36m${text}\u001b[0m`,
  dim: (text) => `\u001b[2m${text}\u001b[0m`,
};

function render(problem: Problem, paint: Paint): string {
  const { severity, file, line, column, excerpt, message, path, hint } = boundedProblem(problem);
  const at = [file === undefined ? undefined : printable(file), line, column]
    .filter((part) => part !== undefined).join(":");
  const lines = [`${at === "" ? "" : `${at}: `}${paint[severity](severity)}: ${message}`];
  const gutter = String(line ?? 1).length;
  if (path !== "") lines.push(paint.dim(`${" ".repeat(gutter)} in ${path}`));
  if (excerpt && line !== undefined) {
    const marker = `${" ".repeat(excerpt.start)}${"^".repeat(excerpt.length)}`;
    lines.push(`${paint.dim(`${line} |`)} ${excerpt.text}`);
    lines.push(`${paint.dim(`${" ".repeat(gutter)} |`)} ${paint[severity](marker)}`);
  }
  if (hint !== undefined) lines.push(`${" ".repeat(gutter)} = ${hint}`);
  return `${lines.join("\n")}\n`;
}

export function boundedProblem(problem: Problem): Problem {
  const { path, message, hint } = problem;
  return {
    ...problem,
    path: shortened(path),
    message: shortened(message),
    ...(hint !== undefined && { hint: shortened(hint) }),
  };
}

/** Cuts a text: it may repeat a key or a value, which can have any length. */
export function shortened(text: string): string {
  return text.replace(/\S{200,}/g, (run) => `${run.slice(0, 100)}…`).slice(0, 2_000);
}

/** Replaces each letter of a secret by `*`, so that the marker stays in place. */
function blanked(line: string, from: number, secrets: readonly Span[]): string {
  let shown = line;
  for (const { offset, length } of secrets) {
    const start = Math.max(0, offset - from);
    const end = Math.min(line.length, offset + length - from);
    if (start < end) shown = shown.slice(0, start) + "*".repeat(end - start) + shown.slice(end);
  }
  shown = shown.replace(USER_INFO, (login) => "*".repeat(login.length));
  return shown.replace(LONG_RUN, (run, offset: number) => {
    const isKey = /^["']?\s*:/.test(shown.slice(offset + run.length, offset + run.length + 20));
    return isKey ? run : withoutSecrets(run);
  });
}

function unpainted(text: string): string {
  return text;
}
