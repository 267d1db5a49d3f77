import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ToolCall } from "../../src/core/model.ts";
import { createToolCalls, finishOf } from "../../src/providers/answer_parts.ts";

const piece = (id: string, name: string, written: unknown, index?: number) => ({
  ...(index !== undefined && { index }),
  ...(id !== "" && { id }),
  function: { ...(name !== "" && { name }), arguments: written },
});

const endOf = (calls: readonly ToolCall[]) =>
  finishOf("stop", calls, false, { modelId: "p/m" }).calls ?? [];

function callsOf(...pieces: readonly object[]) {
  const tools = createToolCalls();
  pieces.forEach((one) => tools.add(one));
  return endOf(tools.calls()).map(({ id, name, arguments: written, sharesId = false }) =>
    `${id} ${name} ${written}${sharesId ? " shared" : ""}`
  );
}

describe("[T1] createToolCalls() with one id twice", () => {
  const TWO = ['a tide {"at":1} shared', 'call_1 tide {"at":2} shared'];

  it("keeps both calls apart and marks them, in a stream", () => {
    assert.deepEqual(
      callsOf(
        piece("a", "tide", "", 0),
        piece("", "", '{"at":1}', 0),
        piece("a", "tide", "", 1),
        piece("", "", '{"at":2}', 1),
      ),
      TWO,
    );
  });

  it("keeps both calls apart and marks them, in a whole completion without indices", () => {
    assert.deepEqual(callsOf(piece("a", "tide", '{"at":1}'), piece("a", "tide", '{"at":2}')), TWO);
    assert.deepEqual(
      callsOf(piece("a", "tide", { at: 1 }), piece("a", "post", { at: 2 })),
      ['a tide {"at":1} shared', 'call_1 post {"at":2} shared'],
    );
  });

  it("takes the pieces of one call together, also if each repeats id and name", () => {
    const one = ['a tide {"at":1}'];
    assert.deepEqual(callsOf(piece("a", "tide", '{"at"', 0), piece("a", "tide", ":1}", 0)), one);
    assert.deepEqual(callsOf(piece("a", "tide", '{"at"'), piece("a", "tide", ":1}")), one);
    assert.deepEqual(callsOf(piece("a", "tide", '{"at":1}', 0), piece("a", "tide", "", 0)), one);
  });

  it("marks no calls without ids", () => {
    assert.deepEqual(callsOf(piece("", "tide", "{}", 0), piece("", "tide", "{}", 1)), [
      "call_1 tide {}",
      "call_2 tide {}",
    ]);
  });
});

describe("[T1] finishOf()", () => {
  it("marks all calls with one id", () => {
    const call = (id: string) => ({ id, name: "tide", arguments: "{}" });
    const calls = endOf(["a", "b", "a", "a"].map(call));
    assert.deepEqual(calls.map(({ id, sharesId }) => [id, sharesId]), [
      ["a", true],
      ["b", undefined],
      ["call_1", true],
      ["call_2", true],
    ]);
  });
});
