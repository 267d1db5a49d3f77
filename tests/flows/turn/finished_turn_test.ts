import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { entriesOf } from "../../../src/flows/turn/finished_turn.ts";
import type { Step } from "../../../src/core/step.ts";
import type { Tool } from "../../../src/core/turn/tool.ts";
import { guildMessage } from "../../support/discord/builders.ts";

const step = (id: string, name: string, carried: string): readonly Step[] => [
  { kind: "answer", text: "", calls: [{ id, name, arguments: "{}" }], carried, at: 0 },
  { kind: "result", callId: id, end: "done", text: "x", at: 0 },
];

/** The carried fields in the entries of a turn whose tool `diary` shows things of its asker. */
function carriedOf(steps: readonly Step[], carried: string, maxKeptChars: number) {
  const claim = {
    message: guildMessage(),
    route: { agentId: "main", sessionKey: "s" },
    attempt: 1,
  };
  const diary = { name: "diary", isPersonal: true };
  const entries = entriesOf(claim, "High.", {
    taken: steps.length > 0 ? { steps, unsaved: [] } : undefined,
    texts: {
      begunWith: () => [],
      entries: () => [],
      of: () => undefined,
      first: () => "",
      all: () => [],
    },
    rules: { texts: {}, where: "here", tools: [diary as Tool] },
    maxKeptChars,
    carried,
  }, 0);
  return entries.flatMap((entry) => entry.role === "assistant" ? [entry.carried] : []);
}

describe("[L1] entriesOf()", () => {
  it("keeps all carried fields of a turn that fit, or none", () => {
    assert.deepEqual(carriedOf([], "end", 10), ["end"]);
    assert.deepEqual(carriedOf(step("1", "tide", "thought"), "end", 10), ["thought", "end"]);
    assert.deepEqual(carriedOf(step("1", "tide", "thought"), "end", 9), [undefined, undefined]);
  });

  it("[T14] keeps none of a turn that saw things of its asker alone", () => {
    const steps = [...step("1", "diary", "a"), ...step("2", "tide", "b")];
    assert.deepEqual(carriedOf(steps, "end", 10), [undefined, undefined, undefined]);
  });
});
