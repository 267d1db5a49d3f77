import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutSpoilers } from "../../../src/lib/text/spoilers.ts";

describe("[H9] withoutSpoilers()", () => {
  const cases: readonly [what: string, text: string, left: string][] = [
    ["hides a spoiler", "It is ||the cook|| again", "It is (spoiler) again"],
    ["hides several, also over lines", "||a|| b ||c\nd||", "(spoiler) b (spoiler)"],
    [
      "keeps code, which Discord shows",
      "`a || b || c` and ```\n||x||\n```",
      "`a || b || c` and ```\n||x||\n```",
    ],
    ["keeps a single mark", "a || b", "a || b"],
    ["hides a spoiler around code", "||`x`||", "(spoiler)"],
  ];
  for (const [what, text, left] of cases) {
    it(what, () => assert.equal(withoutSpoilers(text), left));
  }
});
