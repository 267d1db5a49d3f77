import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelUsage } from "../../../src/core/model.ts";
import type { Step } from "../../../src/core/step.ts";
import { costFactOf } from "../../../src/render/cost.ts";

const answer = (usage?: ModelUsage): Step => ({
  kind: "answer",
  text: "",
  calls: [],
  at: 1,
  ...(usage && { usage }),
});
const result: Step = { kind: "result", callId: "1", at: 2, end: "done", text: "42" };

const cases:
  readonly (readonly [what: string, steps: readonly Step[], text: string | undefined])[] = [
    ["nothing without steps", [], undefined],
    ["nothing if no server tells its tokens", [answer(), result], undefined],
    [
      "tokens of all requests",
      [
        answer({ inputTokens: 900, cachedTokens: 500, outputTokens: 20 }),
        result,
        answer({
          inputTokens: 1_100,
          outputTokens: 5,
        }),
      ],
      "2000 + 25 tokens",
    ],
    [
      "tokens and money with prices",
      [
        answer({ inputTokens: 900, outputTokens: 20, micros: 1_200 }),
        answer({
          inputTokens: 100,
          outputTokens: 5,
          micros: 34,
        }),
      ],
      "1000 + 25 tokens · 0.0012",
    ],
    [
      "no money if one request has no price",
      [
        answer({ inputTokens: 900, outputTokens: 20, micros: 1_200 }),
        answer({
          inputTokens: 100,
          outputTokens: 5,
        }),
      ],
      "1000 + 25 tokens",
    ],
    [
      "no money if it is free",
      [answer({ inputTokens: 9, outputTokens: 2, micros: 0 })],
      "9 + 2 tokens",
    ],
    [
      "that it is an estimate",
      [answer({ inputTokens: 9, outputTokens: 2, isEstimate: true })],
      "about 9 + 2 tokens",
    ],
  ];

describe("[A1] [L5] costFactOf()", () => {
  for (const [what, steps, text] of cases) {
    it(`shows ${what}`, () => assert.equal(costFactOf(steps)?.value, text));
  }
});
