/**
 * Holds the specification, the source and the tests together.
 *
 * Each mark that a comment or a title names has one paragraph. Each paragraph has a
 * test that names its mark. Each link of the specification leads somewhere.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { filesIn, readSources } from "../scripts/import_graph.ts";

const ROOT = join(import.meta.dirname!, "..");
const INDEX = "docs/specification.md";
const PAGES = "docs/specification/";

/** It names marks that it proves nothing about. */
const THIS_TEST = "tests/specification_test.ts";

/** Benches measure its bars, because machines differ. */
const MEASURED_PAGE = `${PAGES}performance.md`;

/** The store's transactions are T0 to T5; of these names, only T0 is no paragraph's mark as well. */
const TRANSACTION = "T0";

const MARK = String.raw`(?:SEC-R|[A-Z])\d{1,2}[a-z]?`;
const MARKS = `${MARK}(?:, ${MARK})*`;
/** `[P4]` or `[P4, P5]`, as titles and comments have them; not the index of an array. */
const IN_BRACKETS = new RegExp(`(?<=["'\`\\s])\\[(${MARKS})\\](?=["'\`\\s.,:;])`, "g");
/** `(P4)` or `(P4, P5)`, as comments have them. */
const IN_PARENTHESES = new RegExp(`\\((${MARKS})\\)`, "g");
const COMMENT_LINE = /^\s*(?:\/\/|\/\*|\*)/;

interface Paragraph {
  readonly page: string;
  readonly mark: string;
}

const pages = filesIn(ROOT, PAGES).filter((path) => path.endsWith(".md")).sort();
const texts = new Map([INDEX, ...pages].map((path) => [path, read(path)]));
const paragraphs = pages.flatMap(paragraphsOf);
const sources = readSources(ROOT, ["src", "simulator", "tests", "bench"]);

describe("the specification", () => {
  it("has one anchor for each paragraph, above the heading with its mark", () => {
    const wrong = pages.flatMap((page) => {
      const anchors = idsOf(page).filter(isMark);
      const headings = [...textOf(page).matchAll(/^## (\S+) · \S/gm)].map(([, mark = ""]) => mark);
      const marks = paragraphsOf(page).map(({ mark }) => mark);
      const differ = anchors.join() !== marks.join().toLowerCase() ||
        headings.join() !== marks.join();
      return differ ? [page] : [];
    });
    assert.deepEqual(wrong, []);
    assert.deepEqual(twice(paragraphs.map(({ mark }) => mark)), []);
    assert.deepEqual(pages.flatMap((page) => twice(idsOf(page))), []);
  });

  it("has a paragraph for each mark in the source, the tests and the benches", () => {
    const known = new Set(paragraphs.map(({ mark }) => mark));
    const unknown = sources.flatMap(({ path, text }) =>
      marksIn(text).filter((mark) => !known.has(mark)).map((mark) => `${path}: ${mark}`)
    );
    assert.deepEqual(unknown, []);
  });

  it("has a test for each paragraph", () => {
    const proved = provedMarks();
    const unproved = paragraphs
      .filter(({ page }) => page !== MEASURED_PAGE)
      .map(({ mark }) => mark)
      .filter((mark) => !proved.has(mark));
    assert.deepEqual(unproved, []);
  });

  it("has a link to each page in its index", () => {
    const linked = new Set(linksOf(INDEX).map(({ file }) => file));
    assert.deepEqual(pages.filter((page) => !linked.has(page)), []);
  });

  it("[X4a] names a bound with a test for each thing that a person can cause", () => {
    const [, table = "", list = ""] =
      /<a id="x4a">.*?(\n\| a person.*?)\n\n.*?\n\n(1\. .*?)\n\n<a/s.exec(
        textOf(`${PAGES}safety.md`),
      ) ?? [];
    const bounds = list.split(/\n(?=\d+\. )/);
    assert.deepEqual(bounds.filter((bound) => !/\]\([^)]*tests\/[^)]+_test\.ts\)/.test(bound)), []);
    const named = table.trim().split("\n").slice(2).map((row) =>
      row.split("|").at(-2)?.split(",").map((number) => Number(number)) ?? []
    );
    assert.ok(named.length >= 10);
    assert.ok(named.every((numbers) => numbers.length > 0));
    const numbers = new Set(named.flat());
    assert.deepEqual([...numbers].toSorted((a, b) => a - b), bounds.map((_, index) => index + 1));
  });

  for (const path of texts.keys()) {
    it(`${path} has links to files and anchors that exist`, () => {
      const dead = linksOf(path).filter(({ file, anchor }) =>
        !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor))
      );
      assert.deepEqual(dead, []);
    });
  }
});

it("marksIn() › finds marks in titles and in comments, and nothing else", () => {
  const title = `it("${"[P4, P5]"} [SEC-R12] lets in", () => entries[A1]);`;
  const comment = " * Retries a request (D5, R11); in T(J) and (H264) there is no mark.";
  assert.deepEqual(marksIn(title), ["P4", "P5", "SEC-R12"]);
  assert.deepEqual(marksIn(comment), ["D5", "R11"]);
  assert.deepEqual(marksIn("call(A1, B2);"), []);
});

/** All marks that a source file names. */
function marksIn(text: string): readonly string[] {
  const comments = text.split("\n").filter((line) => COMMENT_LINE.test(line)).join("\n");
  return [...found(text, IN_BRACKETS), ...found(comments, IN_PARENTHESES)]
    .filter((mark) => mark !== TRANSACTION);
}

/** The marks in titles of tests. A title may be composed: `[${rule}] …`, with the rule in a table. */
function provedMarks(): ReadonlySet<string> {
  const tests = sources.filter(({ path }) => path.startsWith("tests/") && path !== THIS_TEST);
  const titles = tests.flatMap(({ text }) => {
    const code = text.split("\n").filter((line) => !COMMENT_LINE.test(line)).join("\n");
    const inTables = code.includes("[${") ? found(code, new RegExp(`"(${MARK})"`, "g")) : [];
    return [...found(code, IN_BRACKETS), ...inTables];
  });
  return new Set(titles);
}

function found(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].flatMap(([, marks = ""]) => marks.split(", "));
}

/** The paragraphs of a page, in their order. */
function paragraphsOf(page: string): readonly Paragraph[] {
  const parts = textOf(page).matchAll(/^<a id="[^"]+"><\/a>\n\n## (\S+) · /gm);
  return [...parts].map(([, mark = ""]) => ({ page, mark }));
}

interface Link {
  /** From the root, with slashes. */
  readonly file: string;
  readonly anchor?: string;
}

/** The links of a page to files of the project. */
function linksOf(path: string): readonly Link[] {
  const prose = textOf(path).replace(/```[\s\S]*?```/g, "");
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target = ""]) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [to = "", anchor] = target.split("#");
    const file = to === "" ? path : join(dirname(path), to).replaceAll("\\", "/");
    return [{ file, ...(anchor !== undefined && { anchor }) }];
  });
}

/** All fragments of a page: its anchors, and its headings as GitHub names them. */
function anchorsOf(path: string): readonly string[] {
  const text = textOf(path);
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\s-]/gu, "").replaceAll(" ", "-")
  );
  return [...idsOf(path), ...headings];
}

function idsOf(path: string): readonly string[] {
  return [...textOf(path).matchAll(/<a id="([^"]+)"><\/a>/g)].map(([, id = ""]) => id);
}

function isMark(anchor: string): boolean {
  return /^(?:sec-r|[a-z])\d{1,2}[a-z]?$/.test(anchor);
}

function twice(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

function textOf(path: string): string {
  return texts.get(path) ?? read(path);
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
