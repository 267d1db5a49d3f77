import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stepFaults } from "../../../src/config/schema/agent_steps.ts";
import { parseConfig } from "../../../src/config/parse.ts";

/** Agents by their steps: `"a: b c"` has two. */
const agents = (...written: readonly string[]) =>
  written.map((line) => {
    const [id = "", steps = ""] = line.split(":");
    const named = steps.trim().split(" ").filter((agent) => agent !== "");
    return named.length > 0
      ? { id, steps: named.map((agent) => ({ agent, prompt: "work" })) }
      : { id };
  });

describe("[N4] the steps of agents", () => {
  const table: readonly (readonly [list: readonly string[], faults: readonly string[]])[] = [
    [["a: b c d", "b", "c", "d"], []],
    [["a: b b", "b"], []],
    [["a: b", "b: c", "c: d", "d"], []],
    [["a: a", "b"], ["0.steps.0.agent The steps form a circle: a → a"]],
    [["a: b", "b: a"], [
      "0.steps.0.agent The steps form a circle: a → b → a",
      "1.steps.0.agent The steps form a circle: b → a → b",
    ]],
    [["a: d b", "b: c", "c: a", "d"], [
      "0.steps.1.agent The steps form a circle: a → b → c → a",
      "1.steps.0.agent The steps form a circle: b → c → a → b",
      "2.steps.0.agent The steps form a circle: c → a → b → c",
    ]],
    [["a: b", "b: c", "c: b"], [
      "1.steps.0.agent The steps form a circle: b → c → b",
      "2.steps.0.agent The steps form a circle: c → b → c",
    ]],
    [["a: x", "b"], ['0.steps.0.agent There is no agent "x"']],
    [["a: b", "b: c", "c: d", "d: e", "e"], [
      "0.steps.0.agent The steps pass more than 3 agents: a → b → c → d → e",
    ]],
  ];
  for (const [list, faults] of table) {
    it(`${faults.length === 0 ? "may be" : "may not be"} ${list.join("; ")}`, () => {
      const found = stepFaults(agents(...list))
        .map(({ path, message }) => `${path.join(".")} ${message}`);
      assert.deepEqual(found, faults);
    });
  }

  it("are shown with line and caret if they form a circle", async () => {
    const text = `{
  "agents": {
    "list": [
      { "id": "a", "steps": [{ "agent": "b", "prompt": "work" }] },
      { "id": "b", "steps": [{ "agent": "a", "prompt": "work" }] }
    ]
  }
}`;
    const { problems } = await parseConfig({ file: "config.jsonc", text });
    const [first] = problems.filter(({ severity }) => severity === "error");
    assert.deepEqual([first?.path, first?.line, first?.excerpt?.text.slice(first.excerpt.start)], [
      "agents.list[0].steps[0].agent",
      4,
      '"b", "prompt": "work" }] },',
    ]);
    assert.equal(first?.message, "The steps form a circle: a → b → a");
  });
});
