import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

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

/** Lines of two screens of a page, as a browser shows them. */
const TWO_SCREENS = 135;
/** Made from the code, to look things up. */
const REFERENCES = ["commands.md"];

describe("[O10] a page of a person's day", () => {
  const docs = join(ROOT, "docs");
  const pages = readdirSync(docs).filter((name) => name.endsWith(".md"));
  for (const page of pages.filter((name) => !REFERENCES.includes(name))) {
    it(`has at most two screens › ${page}`, () => {
      const lines = readFileSync(join(docs, page), "utf8").split("\n").length;
      assert.ok(lines <= TWO_SCREENS, `${lines} lines`);
    });
  }
});
