import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sidebarOf } from "../../scripts/site.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const numberIn = (file: string, pattern: RegExp) =>
  Number(pattern.exec(readFileSync(join(ROOT, file), "utf8"))?.[1]);

describe("[B13] the size of the binary", () => {
  it("is the measured one in the README, too", () => {
    const measured = numberIn(
      "docs/internals/measurements.md",
      /^\| binary for Linux x64, MB .*? \| +([\d.]+) \|/m,
    );
    assert.equal(numberIn("README.md", /one file of about (\d+) MB/), Math.round(measured));
  });
});

/**
 * Computes how high the site shows a page, by its style (`STYLE` of `scripts/site.ts`). Of 54 pages
 * measured in Chromium, each was within 6 % of this, and the mean within 1 %.
 */
const TEXT_WIDTH = 800;
const CODE_CHAR = 9.6;
const INLINE_CODE_CHAR = 9;
const CHAR = 8.1;
const SPACE = 4.5;

/** The widths of the words of a text, in pixels. */
function wordWidths(markdown: string): readonly number[] {
  const text = markdown.replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("**", "");
  let isCode = false;
  return text.trim().split(/\s+/).map((word) => {
    let width = 0;
    for (const part of word.split(/(`)/)) {
      if (part === "`") isCode = !isCode;
      width += part === "`" ? 4 : part.length * (isCode ? INLINE_CODE_CHAR : CHAR);
    }
    return width;
  });
}

const sum = (all: readonly number[]) => all.reduce((one, other) => one + other, 0);

function linesOf(markdown: string, width: number): number {
  let lines = 1;
  let used = 0;
  for (const word of wordWidths(markdown)) {
    if (used > 0 && used + SPACE + word > width) [lines, used] = [lines + 1, word];
    else used += (used > 0 ? SPACE : 0) + word;
  }
  return lines;
}

/** A browser gives a column its longest word, and the rest by the lengths of the cells. */
function tableHeight(rows: readonly string[]): number {
  const cells = rows.filter((row) => !/^\|[-| ]+\|$/.test(row))
    .map((row) => row.split(/(?<!\\)\|/).slice(1, -1));
  const columns = cells[0]?.map((_, at) => cells.map((row) => wordWidths(row[at] ?? ""))) ?? [];
  const most = columns.map((column) =>
    21 + Math.max(...column.map((words) => sum(words) + SPACE * (words.length - 1)))
  );
  const least = columns.map((column) => 21 + Math.max(...column.flat()));
  const share = (TEXT_WIDTH - sum(least)) / (sum(most) - sum(least) || 1);
  const widths = least.map((min, at) =>
    min + Math.min(1, Math.max(0, share)) * ((most[at] ?? min) - min)
  );
  return 9 +
    sum(
      cells.map((row) =>
        7 + 24 * Math.max(...row.map((cell, at) => linesOf(cell, (widths[at] ?? 0) - 20)))
      ),
    );
}

/** Reads the size of an SVG, or of a WebP with an extended header. */
function imageHeight(path: string): number {
  const bytes = readFileSync(join(ROOT, "docs", path));
  const [, w, h] = / width="(\d+)" height="(\d+)"/.exec(bytes.toString("latin1")) ?? [];
  const width = Number(w ?? bytes.readUIntLE(24, 3) + 1);
  const height = Number(h ?? bytes.readUIntLE(27, 3) + 1);
  return 13 + height * Math.min(1, TEXT_WIDTH / width);
}

/** The height of a page, in pixels. */
function heightOf(markdown: string): number {
  const blocks = markdown.matchAll(
    /^( *)```.*\n([^]*?)^ *```$|^(?:\|.*\n)+|^(#+) .*|^!\[.*\]\((.*)\)|^( *)(?:- |\d+\. )(.*(?:\n(?! *(?:- |\d+\. |```)).+)*)|^.+(?:\n(?!- |\d+\. |#|\||```).+)*/gm,
  );
  let height = 88; // the bar, and the margins
  for (const [text, indent = "", code, heading, image, inner = "", item] of blocks) {
    if (code !== undefined) {
      const columns = (TEXT_WIDTH - 28 - 8 * indent.length) / CODE_CHAR;
      const lines = code.split("\n").slice(0, -1);
      height += 24 + 22 * sum(lines.map((line) => Math.max(1, Math.ceil(line.length / columns))));
    } else if (heading !== undefined) height += heading === "#" ? 40 : 45;
    else if (image !== undefined) height += imageHeight(image);
    else if (item !== undefined) {
      height += 3 + 24 * linesOf(item, TEXT_WIDTH - 20 - 10 * inner.length);
    } else if (text.startsWith("|")) height += tableHeight(text.trim().split("\n"));
    else height += 8 + 24 * linesOf(text, TEXT_WIDTH);
  }
  return height;
}

/** Two screens of 1280×900. */
const TWO_SCREENS = 1_800;
/** Groups of the navigation to look things up in. */
const REFERENCES = ["Look up", "Configuration", "Specification", "Internals"];

describe("[O10] a page of a person's day", () => {
  const docs = join(ROOT, "docs");
  const files = readdirSync(docs, { recursive: true, encoding: "utf8" });
  const groups = sidebarOf(files.filter((name) => name.endsWith(".md")), (page) => page);
  const pages = groups.filter(({ text }) => !REFERENCES.includes(text))
    .flatMap(({ items }) => items.map(({ text }) => text));
  it("is in the navigation", () => assert.ok(pages.length > 50));

  for (const page of pages) {
    it(`has at most two screens › ${page}`, () => {
      const height = heightOf(readFileSync(join(docs, page), "utf8"));
      assert.ok(height <= TWO_SCREENS, `${Math.round(height)} pixels`);
    });
  }
});
