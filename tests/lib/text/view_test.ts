import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createView } from "../../../src/lib/text/view.ts";

describe("createView()", () => {
  const view = createView("ab--cd?", [
    { start: 2, end: 4, text: "" },
    { start: 6, end: 7, text: "xyz" },
  ]);
  const places = (of: typeof view) =>
    Array.from(of.text, (_, at) => [of.startOf(at), of.endOf(at)]);

  it("writes each edited part differently", () => assert.equal(view.text, "abcdxyz"));

  it("remembers the place of each unit", () => {
    const written = [[0, 1], [1, 2], [4, 5], [5, 6], [6, 7], [6, 7], [6, 7]];
    assert.deepEqual(places(view), written);
  });

  it("remembers the place of a view's view in the original text", () => {
    const inner = createView(view.text, [{ start: 1, end: 5, text: "B" }], view);
    assert.equal(inner.text, "aByz");
    assert.deepEqual(places(inner), [[0, 1], [1, 7], [6, 7], [6, 7]]);
  });
});
