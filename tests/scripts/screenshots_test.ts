import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  MAX_BYTES,
  type Picture,
  PICTURES,
  problemsOf,
} from "../../scripts/screenshots/pictures.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const ROOT = join(import.meta.dirname!, "..", "..");

const PICTURE: Picture = {
  name: "one",
  page: "today",
  width: 1,
  height: 1,
  alt: "A page",
  shownIn: ["README.md"],
};

function problems(
  { picture = PICTURE, bytes = 1, text = "![A\npage](docs/images/one.webp)", also = "one" }: {
    readonly picture?: Picture;
    /** Of the file; absent for none. */
    readonly bytes?: number | null;
    readonly text?: string;
    /** Name of another file. */
    readonly also?: string;
  },
): readonly string[] {
  using folder = tempDirectory();
  const images = join(folder.path, "docs", "images");
  mkdirSync(images, { recursive: true });
  writeFileSync(join(images, `${also}.webp`), "x");
  if (bytes !== null) writeFileSync(join(images, "one.webp"), "x".repeat(bytes));
  writeFileSync(join(folder.path, "README.md"), text);
  return problemsOf(folder.path, [picture]);
}

describe("the pictures of README and docs", () => {
  it("exist, are small, show pages that exist, and stand in their documents", () => {
    assert.deepEqual(problemsOf(ROOT), []);
    assert.ok(PICTURES.length >= 4);
  });

  it("have no problem where a document has the picture with its text", () => {
    assert.deepEqual(problems({}), []);
  });

  const WRONG: readonly (readonly [string, Parameters<typeof problems>[0], RegExp])[] = [
    ["a missing picture", { bytes: null, also: "two" }, /one\.webp: the picture is missing/],
    ["a large one", { bytes: MAX_BYTES + 1 }, /it has 60001 bytes, and may have 60000/],
    ["a page that is gone", { picture: { ...PICTURE, page: "gone" } }, /there is no page gone/],
    ["a document without it", { text: "none" }, /README\.md does not show it/],
    ["another text", { text: "![Else](docs/images/one.webp)" }, /README\.md does not show it/],
    ["a picture without its row", { also: "stray" }, /stray\.webp: no row/],
  ];
  for (const [what, given, expected] of WRONG) {
    it(`notices ${what}`, () => assert.match(problems(given).join("\n"), expected));
  }
});
