import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callsFor } from "../../../simulator/model/calls.ts";
import type { WireRequest } from "../../../simulator/model/wire.ts";

const WORDS = 'call: tide {"port":"Hull"}\ncall: moon\nthen\ncall: tide {}';

function asked(...messages: WireRequest["messages"]): WireRequest {
  return { model: "m", system: "", tools: ["tide", "moon"], hasTools: true, messages };
}

const user = { role: "user", text: WORDS };
const answer = { role: "assistant", text: "" };
const result = { role: "tool", text: "high" };

describe("[T1] callsFor()", () => {
  const cases: readonly [name: string, request: WireRequest, calls: readonly string[]][] = [
    ["calls what the words ask for first", asked(user), [
      'call_1_1 tide {"port":"Hull"}',
      "call_1_2 moon {}",
    ]],
    ["calls what comes after `then`", asked(user, answer, result, result), ["call_2_1 tide {}"]],
    ["calls nothing more at the end", asked(user, answer, result, answer, result), []],
    ["calls nothing for an earlier question", asked(user, answer, { role: "user", text: "hi" }), [
      'call_1_1 tide {"port":"Hull"}',
      "call_1_2 moon {}",
    ]],
    ["calls nothing without tools", { ...asked(user), tools: [] }, []],
  ];
  for (const [name, request, calls] of cases) {
    it(name, () => {
      const found = callsFor(request, WORDS).calls;
      assert.deepEqual(
        found.map((call) => `${call.id} ${call.name} ${call.arguments}`),
        calls,
      );
    });
  }

  it("returns the results since the question", () => {
    assert.deepEqual(callsFor(asked(user, answer, result, result), WORDS).results, [
      "high",
      "high",
    ]);
    assert.deepEqual(callsFor(asked(user, answer, result, user), WORDS).results, []);
  });
});
