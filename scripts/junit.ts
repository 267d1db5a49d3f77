/**
 * Reads the JUnit reports of `deno test` and `bun test`. Deno also reports each `describe` as a test
 * of its own.
 */

import { existsSync, readFileSync } from "node:fs";

/** Folder of the last whole run's reports, at the root of the project. */
export const REPORTS = ".test";

/** One test, or in Deno's reports also one `describe`. */
interface Case {
  readonly name: string;
  /** The inner XML: empty if the test passed. */
  readonly body: string;
}

/** The counts of a report, without `describe`s. */
export interface Report {
  readonly passed: number;
  readonly skipped: number;
  /** For each failed test: its name, the error, its positions in test files, and the end of the log. */
  readonly failures: readonly string[];
}

/** Lines of an error: its words; then positions in test files; then the last lines of a bot's log. */
const SHOWN = { words: 8, positions: 4, log: 8 };

/** Counts the tests of a report; all zero if there is no such file. */
export function readReport(path: string): Report {
  const cases = casesOf(path);
  const parents = new Set<string>();
  for (const { name } of cases) {
    for (let end = name.lastIndexOf(" > "); end > 0; end = name.lastIndexOf(" > ", end - 1)) {
      parents.add(name.slice(0, end));
    }
  }
  const tests = cases.filter(({ name }) => !parents.has(name));
  const failed = tests.filter(({ body }) => /<(?:failure|error)\b/.test(body));
  const skipped = tests.filter(({ body }) => /<skipped\b/.test(body)).length;
  return {
    passed: tests.length - failed.length - skipped,
    skipped,
    failures: failed.map(({ name, body }) => {
      const error = unescaped(body.replaceAll(/<[^>]*>/g, "")).trim();
      return [name, ...shortened(error.split("\n"))].join("\n    ");
    }),
  };
}

function shortened(lines: readonly string[]): readonly string[] {
  const rest = lines.slice(SHOWN.words);
  const positions = new Set(rest.filter((line) => /_test\.ts:\d/.test(line)));
  const log = rest.filter((line) => line.startsWith('{"time":'));
  return [
    ...lines.slice(0, SHOWN.words),
    ...[...positions].slice(0, SHOWN.positions),
    ...log.slice(-SHOWN.log),
  ];
}

function casesOf(path: string): readonly Case[] {
  if (!existsSync(path)) return [];
  const xml = readFileSync(path, "utf8");
  return Array.from(
    xml.matchAll(/<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g),
    ([, name = "", body = ""]) => ({ name: unescaped(name), body }),
  );
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'" };
  return text
    .replaceAll(
      /&(?:(lt|gt|quot|apos)|#(\d+));/g,
      (_, name: string | undefined, code: string) =>
        name === undefined ? String.fromCodePoint(Number(code)) : named[name] ?? "",
    )
    .replaceAll("&amp;", "&");
}
