import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { askFirst } from "../../src/agent/ask_first.ts";
import type { Decision, Question } from "../../src/core/people/question.ts";
import { toolContext } from "../support/model/tools.ts";

const LIMIT: Question = {
  kind: "limit",
  tool: "discord",
  text: "Go on?",
  facts: [],
  choices: [{ key: "once" }],
  asked: "anyone",
  where: "channel",
  timeoutMs: 1,
};
const YES: Decision = { kind: "answered", answer: { choice: "once" }, about: "limit" };

const ready = (callKey: string) => ({
  call: { id: callKey, name: "discord", arguments: "{}" },
  context: toolContext({ callKey }),
});
const keysOf = (calls: readonly { readonly context: { readonly callKey: string } }[]) =>
  calls.map(({ context }) => context.callKey);

describe("[T3] askFirst()", () => {
  it("asks one question for all calls that it covers, and lets the others run", async () => {
    const { ready: runs, asked } = await askFirst(["a", "b", "c"].map(ready), {
      ask: (_call, { callKey }) =>
        Promise.resolve(callKey === "a" ? undefined : { ...LIMIT, covers: ["b", "c"] }),
    }, { decisionOf: () => Promise.resolve(undefined) });
    assert.deepEqual(keysOf(runs), ["a"]);
    assert.deepEqual(asked.map(({ callKey }) => callKey), ["b"]);
  });

  it("asks nothing again about a decided call, and passes the decision on", async () => {
    const { ready: runs, asked } = await askFirst(["a", "b"].map(ready), {
      ask: () => assert.fail("it asked"),
    }, { decisionOf: () => Promise.resolve(YES) });
    assert.deepEqual(asked, []);
    assert.deepEqual(runs.map(({ context }) => context.decision), [YES, YES]);
  });
});
