import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatText } from "../../../src/config/text/edit_text.ts";
import { readTree } from "../../../src/config/text/tree.ts";
import { commentsOf, texts } from "../jsonc_texts.ts";

function parsed(text: string): unknown {
  const tree = readTree(text);
  if (tree.kind === "faults") assert.fail(`${tree.faults[0]?.message} in ${JSON.stringify(text)}`);
  return tree.value;
}

/** Line breaks within a comment become the file's. */
const comments = (text: string): readonly string[] =>
  commentsOf(text).map((comment) => comment.replace(/\r\n?/g, "\n").trimEnd()).toSorted();

describe("[C10] formatText()", () => {
  it("keeps the value and every comment of any text", () => {
    fc.assert(
      fc.property(texts, ({ text, value }) => {
        const once = formatText(text);
        assert.deepEqual(parsed(once), value);
        assert.deepEqual(comments(once), comments(text), `${text}\n=>\n${once}`);
      }),
      { numRuns: 1_000 },
    );
  });

  it("changes nothing in formatted text", () => {
    fc.assert(
      fc.property(texts, ({ text }) => {
        const once = formatText(text);
        assert.equal(formatText(once), once);
      }),
      { numRuns: 1_000 },
    );
  });

  const LAYOUTS: readonly (readonly [what: string, before: string, after: string])[] = [
    ["the line breaks of the file", '{\r\n"a":1\r\n}', '{\r\n  "a": 1\r\n}\r\n'],
    ["values on one line", '{"a":[1,{}]}', '{ "a": [1, {}] }\n'],
    ["empty lines", '{\n\n\t"a": 1,\n\n}', '{\n\n  "a": 1,\n\n}\n'],
  ];
  for (const [what, before, after] of LAYOUTS) {
    it(`keeps ${what}`, () => assert.equal(formatText(before), after));
  }

  for (
    const file of [
      "config.example.jsonc",
      "examples/one-agent.jsonc",
      "examples/many-agents.jsonc",
    ]
  ) {
    it(`leaves ${file} as it is`, () => {
      const text = readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");
      assert.equal(formatText(text), text);
    });
  }
});
