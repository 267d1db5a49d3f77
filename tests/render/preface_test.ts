import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Step } from "../../src/core/step.ts";
import { prefaceOf } from "../../src/render/cost.ts";

const call = (id: string, name: string) => ({ id, name, arguments: '{"key":"s3cret"}' });
const answer = (...names: readonly string[]): Step => ({
  kind: "answer",
  text: "",
  calls: names.map((name, at) => call(String(at), name)),
  at: 0,
});
const result = (callId: string, end: "done" | "failed"): Step => ({
  kind: "result",
  callId,
  end,
  text: "private",
  at: 0,
});

describe("[K2] [R10] prefaceOf()", () => {
  it("is empty unless people asked for it", () => {
    const seen = { thinking: "hm", steps: [answer("code"), result("0", "done")] };
    assert.equal(prefaceOf(seen, {}), "");
    assert.equal(prefaceOf({}, { showsThinking: true, showsSteps: true }), "");
    assert.equal(prefaceOf({ thinking: " \n" }, { showsThinking: true }), "");
  });

  it("names tools and their end, and nothing of their arguments and results", () => {
    const steps = [answer("code", "`x`\n# y"), result("0", "done"), result("1", "failed")];
    assert.equal(prefaceOf({ steps }, { showsSteps: true }), "used `code`\n`?x????y` failed");
  });

  it("names ten tools at most", () => {
    const steps = [answer(...Array.from({ length: 13 }, () => "code"))];
    const lines = prefaceOf({ steps }, { showsSteps: true }).split("\n");
    assert.equal(lines.length, 11);
    assert.equal(lines.at(-1), "and 3 more");
  });

  it("quotes thinking without its mentions, and cuts it", () => {
    const text = (thinking: string) => prefaceOf({ thinking }, { showsThinking: true });
    assert.equal(text("Ask <@123>.\n\nOr <@&4>?"), "My thinking:\n> Ask @123.\n> Or @&4?");
    assert.ok(text("x".repeat(5_000)).length < 1_300);
  });
});
