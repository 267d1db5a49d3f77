import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ToolCall } from "../../src/core/model.ts";
import type { Step, TurnFailure } from "../../src/core/step.ts";
import { failureText } from "../../src/render/failure.ts";

const call = (id: string, name: string, args = "{}"): ToolCall => ({ id, name, arguments: args });
const asked = (...calls: readonly ToolCall[]): Step => ({ kind: "answer", text: "", calls, at: 0 });
const begun = (callId: string): Step => ({ kind: "begun", callId, at: 0 });
const result = (callId: string, end: "done" | "failed" | "unknown" = "done"): Step => ({
  kind: "result",
  callId,
  end,
  text: "secret words",
  at: 0,
});

describe("[R11] failureText()", () => {
  const words: Readonly<Record<TurnFailure, RegExp>> = {
    unauthorized: /refuses my key, which only my operator can change/,
    quota: /credit for my model is used up, which only my operator/,
    no_memory: /too little memory for it, which only my operator/,
    not_found: /don't find my model at its address, which only my operator/,
    web_page: /don't find my model/,
    redirected: /don't find my model/,
    rate_limited: /takes no more requests .* ask me again in a few minutes/,
    unavailable: /overloaded or unreachable/,
    server_error: /The server of my model failed at this.*again in a few minutes/,
    context_length: /more than my model can read at once.*`\/new`/,
    timeout: /took too long to answer\. Please ask me again later/,
    late: /took too long to answer\. Please ask me again later/,
    steps: /used all my steps/,
    filtered: /refuses to answer this.*other words/,
    rejected: /something went wrong/,
    not_an_answer: /something went wrong/,
    unread_call:
      /called a tool, and its server did not understand the call, which only my operator/,
    unexpected: /something went wrong/,
  };
  for (const [why, sentence] of Object.entries(words)) {
    it(`has its own sentence, with the id: ${why}`, () => {
      const text = failureText(why as TurnFailure, "f7k2", []);
      assert.match(text, sentence);
      assert.match(text, /Error ID[a-z ]*: `f7k2`$/);
    });
  }

  const limits: readonly [why: TurnFailure, afterMs: number, sentence: RegExp][] = [
    ["rate_limited", 20 * 3_600_000, /no more requests for.* again <t:72060:R> \(<t:72060:f>\)/],
    ["quota", 20 * 3_600_000, /no more requests for now/],
    ["rate_limited", 5 * 60_000, /in a few minutes/],
    ["filtered", 20 * 3_600_000, /refuses to answer/],
  ];
  for (const [why, afterMs, sentence] of limits) {
    it(`says when to ask again after ${why} for ${afterMs} ms`, () =>
      assert.match(failureText(why, "f7k2", [], { now: 60_000, afterMs }), sentence));
  }

  it("names the calls that have run, and those that may have, by tool and action", () => {
    const steps = [
      asked(call("1", "web_search"), call("2", "discord", '{"action": "sendMessage"}')),
      result("1"),
      begun("2"),
      result("2"),
      asked(call("1", "remind"), call("2", "exec"), call("3", "po`st"), call("4", "never")),
      result("1", "failed"),
      result("2", "unknown"),
      begun("3"),
    ];
    const [, done, unclear, ...more] = failureText("unavailable", "f7k2", steps).split("\n");
    assert.equal(done, "This I had done before: `web_search`, `discord sendMessage`.");
    assert.equal(unclear, "I can't tell whether this happened: `exec`, `post`.");
    assert.deepEqual(more, []);
  });
});
