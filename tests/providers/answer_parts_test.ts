import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ToolCall } from "../../src/core/model.ts";
import { createChatAnswerReader } from "../../src/providers/chat_completions.ts";
import { createToolCalls, finishOf, finishReasonIn } from "../../src/providers/answer_parts.ts";

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
});

/** A call as a server sends it: whole or in pieces, with or without id and index, or twice. */
interface Manner {
  readonly cuts: readonly number[];
  readonly hasIds: boolean;
  /** Absent: none. `zero`: always 0. */
  readonly index?: "own" | "zero";
  readonly isNull: boolean;
  readonly isTwice: boolean;
}

describe("[T1] createToolCalls() as calls come", () => {
  const args = fc.constantFrom('{"at":1}', '{"a":{"b":[1,2]},"c":"x"}', "{}");
  const name = fc.constantFrom("tide", "post", "read_page");
  const manner: fc.Arbitrary<Manner> = fc.record({
    cuts: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    hasIds: fc.boolean(),
    index: fc.constantFrom("own" as const, "zero" as const, undefined),
    isNull: fc.boolean(),
    isTwice: fc.boolean(),
  });

  it("reads the same calls, however a server sends them", () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ name, args }), { minLength: 1, maxLength: 4 }),
        manner,
        (called, { cuts, hasIds, index, isNull, isTwice }) => {
          const pieces = called.flatMap(({ name, args }, at) => {
            const ends = [...new Set([0, ...cuts.map((cut) => Math.min(cut, args.length))])]
              .toSorted((one, other) => one - other);
            const place = index && { index: index === "own" ? at : 0 };
            const parts = ends.map((from, part) => ({
              ...place,
              ...(hasIds && (part === 0 ? { id: `id${at}` } : isNull ? { id: null } : {})),
              function: {
                ...(part === 0 ? { name } : isNull ? { name: null } : {}),
                arguments: args.slice(from, ends[part + 1]),
              },
            }));
            const whole = {
              ...place,
              ...(hasIds && { id: `id${at}` }),
              function: { name, arguments: args },
            };
            return isTwice && (hasIds || index) ? [...parts, whole] : parts;
          });
          // Equal neighbours at one place could be one call that came again.
          fc.pre(
            hasIds || index === "own" && !isTwice ||
              called.every((one, at) => one.name !== called[at - 1]?.name),
          );
          const expected = called.map(({ name, args }) => `${name} ${args}`);
          const found = callsOf(...pieces).map((one) => one.slice(one.indexOf(" ") + 1));
          assert.deepEqual(found, expected);
        },
      ),
      { numRuns: 500 },
    ));

  it("takes two calls of one tool at index 0 apart, and one that comes again together", () => {
    const [first, second] = [piece("", "tide", '{"at":1}', 0), piece("", "tide", '{"at":2}', 0)];
    assert.deepEqual(callsOf(first, second), ['call_1 tide {"at":1}', 'call_2 tide {"at":2}']);
    assert.deepEqual(callsOf(first, first), ['call_1 tide {"at":1}']);
  });

  it("takes absent arguments for none", () => {
    for (const written of ["", "null", null, undefined, " "]) {
      assert.deepEqual(callsOf(piece("a", "tide", written, 0)), ["a tide {}"]);
    }
  });
});

it("[T1] a call of the format before `tool_calls` › is a call, whole or in pieces, alone or beside the newer field", () =>
  fc.assert(
    fc.property(
      fc.constantFrom('{"at":1}', '{"a":{"b":[1,2]},"c":"x"}', "{}", "", "null"),
      fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
      fc.constantFrom("once", "each", "null"),
      fc.constantFrom("alone", "beside", "null"),
      fc.constantFrom("function_call", "stop", "tool_calls", null),
      fc.boolean(),
      fc.constantFrom(undefined, "I look."),
      (args, cuts, names, newer, reason, isStream, content) => {
        const ends = isStream
          ? [...new Set([0, ...cuts.map((cut) => Math.min(cut, args.length))])]
            .toSorted((one, other) => one - other)
          : [0];
        const deltas = ends.map((from, at) => {
          const name = at === 0 || names === "each" ? { name: "tide" } : {};
          const call = {
            ...(names === "null" && at > 0 ? { name: null } : name),
            arguments: args.slice(from, ends[at + 1]),
          };
          return {
            role: "assistant",
            content: at === 0 ? content ?? null : null,
            function_call: call,
            ...(newer === "null" && { tool_calls: null }),
            ...(newer === "beside" &&
              { tool_calls: [{ index: 0, ...(at === 0 && { id: "a" }), function: call }] }),
          };
        });
        const end = { delta: {}, finish_reason: reason };
        const text = isStream
          ? [...deltas.map((delta) => ({ delta })), end]
            .map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`).join("") +
            "data: [DONE]\n\n"
          : JSON.stringify({ choices: [{ message: deltas[0], finish_reason: reason }] });
        const answer = createChatAnswerReader("p/m", []);
        answer.read(new TextEncoder().encode(text));
        answer.read(undefined);
        const { reason: why, calls = [] } = answer.finish();
        assert.equal(why, "tool_calls");
        const bare = args === "" || args === "null" ? "{}" : args;
        assert.deepEqual(calls.map((one) => [one.name, one.arguments]), [["tide", bare]]);
      },
    ),
    { numRuns: 500 },
  ));

const GOOD = "stop end_turn length MAX_TOKENS tool_calls content_filter SAFETY".split(" ");

it("[L3] finishReasonIn() › takes each end that is not known as good for a broken one", () =>
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.constantFrom(...GOOD), (word, good) => {
    fc.pre(!/^[a-z_]+$/i.test(word));
    const broken = finishReasonIn(word);
    assert.equal(broken, "other");
    assert.throws(() => finishOf(broken, [], true, { modelId: "p/m" }), { isBroken: true });
    const reason = finishReasonIn(good);
    assert.notEqual(reason, "other");
    assert.ok(finishOf(reason, [], true, { modelId: "p/m" }));
  })));
