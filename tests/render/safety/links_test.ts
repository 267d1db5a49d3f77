import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutPreviews } from "../../../src/render/markdown/as_markdown.ts";

describe("[SEC-R7] withoutPreviews()", () => {
  const rules = {
    written: ["look at https://said.example/x"],
    linkHosts: ["good.example", "*.ok.example"],
  };
  const rows: readonly (readonly [text: string, shown: string])[] = [
    ["no link", "no link"],
    ["see https://bad.example/?q=secret.", "see <https://bad.example/?q=secret>."],
    ["[here](https://bad.example/a)", "[here](<https://bad.example/a>)"],
    ["<https://bad.example/a>", "<https://bad.example/a>"],
    [
      "https://good.example/a and https://a.ok.example",
      "https://good.example/a and https://a.ok.example",
    ],
    ["https://said.example/x", "https://said.example/x"],
    ["https://good.example.bad.example/", "<https://good.example.bad.example/>"],
    ["https://good.example@bad.example/", "<https://good.example@bad.example/>"],
  ];
  for (const [text, shown] of rows) {
    it(`shows ${text}`, () => {
      const { text: given, found } = withoutPreviews(text, rules);
      assert.equal(given, shown);
      assert.equal(found > 0, shown.includes("<"));
    });
  }
});
