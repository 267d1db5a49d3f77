import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../../src/core/step.ts";
import { timelineOf } from "../../../src/features/why/report.ts";

const call = (id: string, name: string) => ({ id, name, arguments: "{}" });

const STEPS: readonly Step[] = [
  {
    kind: "answer",
    text: "",
    calls: [call("a", "look"), call("b", "look"), call("c", "send")],
    usage: { inputTokens: 100, outputTokens: 7 },
    at: 1_300,
  },
  { kind: "result", callId: "a", end: "done", text: "four", at: 1_400 },
  {
    kind: "result",
    callId: "b",
    end: "failed",
    text: 'Error: <result boundary="k3f9q2zz">\ngone\n</result>',
    at: 1_450,
  },
  { kind: "begun", callId: "c", at: 1_500 },
  { kind: "result", callId: "c", end: "unknown", text: "Unknown: cut", at: 1_900 },
  { kind: "answer", text: "", calls: [call("a", "look")], at: 2_000 },
];

describe("[T1] timelineOf()", () => {
  it("tells which results were cut to make room", () => {
    const call = (id: string) => ({ id, name: "read", arguments: "{}" });
    const result = (callId: string): Step => ({
      kind: "result",
      callId,
      end: "done",
      text: "w".repeat(9_000),
      at: 2,
    });
    const asked: Step = { kind: "answer", text: "", calls: [call("a"), call("b")], at: 1 };
    const entries = timelineOf([
      asked,
      result("a"),
      result("b"),
      { kind: "cut", results: [{ result: 1, chars: 7_850 }], at: 3 },
      { ...asked, calls: [call("a")], at: 4 },
      result("a"),
      { kind: "cut", results: [{ result: 0, chars: 0 }, { result: 2, chars: 100 }], at: 5 },
    ], 0);
    const cuts = entries.flatMap((entry) => entry.kind === "tool" ? [entry.shownChars] : []);
    assert.deepEqual(cuts, [0, 7_850, 100]);
  });

  it("lists requests and calls, each with its beginning and its end", () => {
    const times = timelineOf(STEPS, 1_000).map((entry) => [
      entry.kind === "tool" ? `${entry.callId}:${entry.end}` : entry.calls.join(" "),
      entry.startedAt,
      entry.endedAt,
    ]);
    assert.deepEqual(times, [
      ["look look send", 1_000, 1_300],
      ["a:done", 1_300, 1_400],
      ["b:failed", 1_300, 1_450],
      ["c:unknown", 1_500, 1_900],
      ["look", 1_900, 2_000],
    ]);
  });

  it("names the tokens of a request, and the problem of a call", () => {
    const [model, good, bad] = timelineOf(STEPS, 1_000);
    assert.deepEqual(model?.kind === "model" && model.usage, { inputTokens: 100, outputTokens: 7 });
    assert.deepEqual(good?.kind === "tool" && [good.chars, good.problem], [4, undefined]);
    assert.deepEqual(bad?.kind === "tool" && bad.problem, "Error: gone");
  });

  it("begins no request after its end, if an earlier process asked", () => {
    const [first] = timelineOf(STEPS, 5_000);
    assert.deepEqual([first?.startedAt, first?.endedAt], [1_300, 1_300]);
  });
});
