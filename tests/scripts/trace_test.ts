/** Tests that traces of a released binary lead back to the source. */

import assert from "node:assert/strict";
import { SourceMap } from "node:module";
import { describe, it } from "node:test";
import { withSources } from "../../scripts/trace.ts";

/** Column 0 of line 1 is line 1 of `src/a.ts`; column 8 is line 3, column 5. */
const map = new SourceMap({
  version: 3,
  file: "main-aaaaaaaa.js",
  sources: ["src/a.ts"],
  sourcesContent: [],
  names: [],
  mappings: "AAAA,QAEI",
  sourceRoot: "",
});
const mapOf = (chunk: string) => chunk === "main-aaaaaaaa.js" ? map : undefined;

describe("withSources()", () => {
  const CASES: readonly (readonly [name: string, given: string, expected: string])[] = [
    [
      "a position in a chunk",
      "at run (/$bunfs/root/main-aaaaaaaa.js:1:9)",
      "at run (src/a.ts:3:5)",
    ],
    ["a position on Windows", "at B:\\~BUN\\root\\main-aaaaaaaa.js:1:1", "at src/a.ts:1:1"],
    [
      "two in one text",
      "/$bunfs/root/main-aaaaaaaa.js:1:1 /$bunfs/root/main-aaaaaaaa.js:1:10",
      "src/a.ts:1:1 src/a.ts:3:5",
    ],
    [
      "another chunk stays",
      "/$bunfs/root/gone-bbbbbbbb.js:1:9",
      "/$bunfs/root/gone-bbbbbbbb.js:1:9",
    ],
    ["another text stays", "all is well at 12:30:45", "all is well at 12:30:45"],
  ];
  for (const [name, given, expected] of CASES) {
    it(name, () => assert.equal(withSources(given, mapOf), expected));
  }
});
