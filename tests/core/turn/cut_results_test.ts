import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CLEARED, cutResult, newCuts } from "../../../src/core/step.ts";
import type { ModelMessage } from "../../../src/core/model.ts";
import type { Step } from "../../../src/core/step.ts";

const call = { id: "1", name: "read", arguments: "{}" };
const result = (text: string): Step => ({ kind: "result", callId: "1", end: "done", text, at: 0 });
const shown = (text: string): ModelMessage => ({ role: "tool", call, text });

describe("[T1] cutResult()", () => {
  it("keeps a result that fits, and says how much of another one is shown", () => {
    assert.equal(cutResult("abc", 3), "abc");
    const cut = cutResult("a".repeat(20_000), 8_000);
    assert.match(cut, /\n\[cut for room: you see 7850 of the 20000 characters of this result\]$/);
    assert.ok(cut.length <= 8_000);
  });

  it("says it outside of the fence", () => {
    const fenced = `<result boundary="a1b2c3d4">\n${"w".repeat(9_000)}\n</result>`;
    assert.match(cutResult(fenced, 8_000), /w\n<\/result>\n\[cut for room: /);
  });
});

describe("[T1] newCuts()", () => {
  const long = "a".repeat(9_000);
  const steps = [result("first"), result(long)];

  it("finds results that are shown in part, beside those of earlier turns", () => {
    const request = [shown("of another turn"), shown("first"), shown(cutResult(long, 8_000))];
    assert.deepEqual(newCuts(steps, request), [{ result: 1, chars: 7_850 }]);
    assert.deepEqual(newCuts(steps, [shown(CLEARED), shown(long)]), [{ result: 0, chars: 0 }]);
  });

  it("finds nothing new twice, nor in whole results, nor without tools", () => {
    const request = [shown("first"), shown(cutResult(long, 8_000))];
    const known: Step = { kind: "cut", results: [{ result: 1, chars: 7_850 }], at: 0 };
    assert.equal(newCuts([...steps, known], request), undefined);
    assert.equal(newCuts(steps, [shown("first"), shown(long)]), undefined);
    assert.equal(newCuts(steps, [{ role: "user", text: "hi" }]), undefined);
    assert.equal(newCuts([], [shown("of another turn")]), undefined);
  });
});
