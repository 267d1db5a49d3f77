import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../../src/core/step.ts";
import { readSteps, withoutOldResults } from "../../../src/flows/session/old_results.ts";
import { messageId } from "../../support/discord/builders.ts";

const AT = Date.UTC(2026, 0, 2);
const MINUTE = 60_000;
const FOUND = "the words of staff";

/** A call with its result. */
function called(name: string, at = AT, end: "done" | "failed" = "done"): readonly Step[] {
  return [
    { kind: "answer", text: "", calls: [{ id: "1", name, arguments: "{}" }], at },
    { kind: "result", callId: "1", end, text: FOUND, at },
  ];
}

const inner = (step: Step): Step => ({ kind: "inner", number: 1, step, at: step.at });
const textsOf = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => {
    if (step.kind === "inner") return textsOf([step.step]);
    return step.kind === "result" ? step.text : [];
  });

describe("[T17] [SEC-R4] withoutOldResults()", () => {
  const cases: readonly (readonly [what: string, steps: readonly Step[], shown: boolean[]])[] = [
    ["a search of an hour ago", called("search_server", AT - 60 * MINUTE), [false]],
    ["a search of five minutes ago", called("search_server", AT - 5 * MINUTE), [false]],
    ["a search of a moment ago", called("search_server", AT - 4 * MINUTE), [true]],
    ["a search before the clock was set back", called("search_server", AT + 60 * MINUTE), [false]],
    ["a search that failed", called("search_server", AT - 60 * MINUTE, "failed"), [true]],
    ["another tool", called("web_search", AT - 60 * MINUTE), [true]],
    [
      "calls with the same id in two answers",
      [...called("search_server", AT - 60 * MINUTE), ...called("exec", AT - 60 * MINUTE)],
      [false, true],
    ],
    ["an asked agent", called("search_server", AT - 60 * MINUTE).map(inner), [false]],
    [
      "an asked agent with the same id",
      [
        ...called("search_server", AT - 60 * MINUTE),
        ...called("exec", AT - 60 * MINUTE).map(inner),
      ],
      [false, true],
    ],
  ];
  for (const [what, steps, shown] of cases) {
    it(`${shown.every(Boolean) ? "shows" : "withholds"} the result of ${what}`, () => {
      const texts = textsOf(withoutOldResults(steps, AT));
      assert.deepEqual(texts.map((text) => text === FOUND), shown);
      for (const text of texts) assert.match(text, /^the words of staff$|^\[out of date: .*\]$/);
    });
  }

  it("is part of each reading of a stored turn", async () => {
    const stepsOf = () => Promise.resolve(called("search_server", AT - 60 * MINUTE));
    const { own } = await readSteps({ stepsOf }, messageId("1"), AT);
    assert.doesNotMatch(JSON.stringify(own), /the words of staff/);
  });
});
