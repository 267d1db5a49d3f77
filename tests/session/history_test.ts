import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import type { Entry } from "../../src/core/inbound/inbound.ts";
import {
  createTokenRates,
  historyChars,
  selectEntries,
  shareRoom,
} from "../../src/session/session.ts";
import { messageId } from "../support/discord/builders.ts";
import { vectorsOf } from "../support/discord/vectors.ts";

const ID = messageId("1400000000000000001");
const CALL = { id: "call_1", name: "tide", arguments: "{}" };
const entry = (role: "user" | "assistant", text: string): Entry => ({
  role,
  text,
  messageId: ID,
  at: 0,
});
const called = (text: string): Entry => ({
  role: "assistant",
  text,
  calls: [CALL],
  messageId: ID,
  at: 0,
});
const result = (text: string): Entry => ({ role: "tool", call: CALL, text, messageId: ID, at: 0 });
const user = (text: string) => entry("user", text);
const bot = (text: string) => entry("assistant", text);
const texts = (entries: readonly Entry[]) => entries.map(({ text }) => text).join(" ");

describe("selectEntries()", () => {
  const transcript = [user("u1"), bot("a1"), user("u2"), bot("a2"), bot("a3"), user("u4")];
  const cases: readonly [name: string, turns: number | undefined, chars: number, all: string][] = [
    ["[H2] everything without a limit", undefined, 100, "u1 a1 u2 a2 a3 u4"],
    ["[H2] the last turns and all that follows the first of them", 2, 100, "u2 a2 a3 u4"],
    ["[H2] one turn", 1, 100, "u4"],
    ["[H2] more turns than there are", 9, 100, "u1 a1 u2 a2 a3 u4"],
    ["[H2] none", 0, 100, ""],
    ["[L4] exactly what fits", undefined, 12, "u1 a1 u2 a2 a3 u4"],
    ["[L4] no half turn", undefined, 11, "u2 a2 a3 u4"],
    ["[L4] no answer without its question", undefined, 7, "u4"],
    ["[L4] nothing where nothing fits", undefined, 1, ""],
  ];
  it("[L4] never splits a call from its result", () => {
    const turns = [user("u1"), called("c1"), result("r1"), bot("a1"), user("u2"), bot("a2")];
    assert.equal(texts(selectEntries(turns, { maxChars: 14 })), "u1 c1 r1 a1 u2 a2");
    for (let maxChars = 13; maxChars >= 4; maxChars--) {
      assert.equal(texts(selectEntries(turns, { maxChars })), "u2 a2");
    }
  });

  for (const [name, userTurns, maxChars, all] of cases) {
    it(`${name}: ${all || "nothing"}`, () => {
      const limits = { maxChars, ...(userTurns !== undefined && { userTurns }) };
      assert.equal(texts(selectEntries(transcript, limits)), all);
    });
  }

  it("[H2] leaves out entries before the first user's", () => {
    assert.equal(
      texts(selectEntries([bot("a0"), ...transcript], { maxChars: 14 })).startsWith("u1"),
      true,
    );
  });

  it("is a tail, begins with a user's entry, and keeps to its limits", () => {
    const anEntry = fc.record({ isUser: fc.boolean(), text: fc.string() })
      .map(({ isUser, text }) => isUser ? user(text) : bot(text));
    fc.assert(
      fc.property(fc.array(anEntry), fc.nat(8), fc.nat(80), (entries, userTurns, maxChars) => {
        const chosen = selectEntries(entries, { userTurns, maxChars });
        assert.deepEqual(chosen, entries.slice(entries.length - chosen.length));
        assert.ok(chosen.length === 0 || chosen[0]?.role === "user");
        assert.ok(chosen.filter(({ role }) => role === "user").length <= userTurns);
        assert.ok(chosen.reduce((sum, { text }) => sum + text.length, 0) <= maxChars);
      }),
    );
  });
});

describe("[L4] historyChars()", () => {
  const cases: readonly [window: [number, number], other: number, chars: number][] = [
    [[8_192, 1_024], 0, 20_480],
    [[8_192, 1_024], 10_000, 10_480],
    [[8_192, 1_024], 30_000, 0],
    [[4_096, 1_024], 0, 8_533],
  ];
  for (const [[contextWindow, maxOutput], other, chars] of cases) {
    it(`${contextWindow} less ${maxOutput} tokens less ${other}: ${chars}`, () => {
      assert.equal(historyChars({ contextWindow, maxOutput }, other), chars);
    });
  }
});

describe("[H2] OpenClaw's history limit", () => {
  type Input = readonly [
    readonly { readonly role: "user" | "assistant"; readonly content: string }[],
    number?,
  ];
  const { vectors, options } = vectorsOf<Input, Input[0]>("seed-misc", "limitHistoryTurns");
  describe("[H2] each", options, () => {
    for (const { input: [messages, limit], expected } of vectors) {
      if (limit === 0) continue; // OpenClaw reads 0 as no limit; here it is none, as in H1
      it(`${messages.length} entries, ${limit ?? "no limit"}`, () => {
        const entries = messages.map(({ role, content }) => entry(role, content));
        const limits = { maxChars: Infinity, ...(limit !== undefined && { userTurns: limit }) };
        assert.equal(
          texts(selectEntries(entries, limits)),
          expected.map(({ content }) => content).join(" "),
        );
      });
    }
  });
});

const stamp = { messageId: messageId("1"), at: 0 };
const turn = (text: string): readonly Entry[] => [
  { role: "user", text, ...stamp },
  { role: "assistant", text: "", ...stamp },
];
const HISTORY = Array.from({ length: 10 }, () => turn("x".repeat(100))).flat();
const turnsAt = (stepChars: number, freeChars = 1_000) =>
  shareRoom(HISTORY, { freeChars, stepChars }).entries.length / 2;

describe("shareRoom()", () => {
  it("[L4] gives the history all the room before the first result", () => {
    assert.equal(turnsAt(0), 10);
    assert.equal(turnsAt(0, 800), 8);
  });

  it("[L4] drops the oldest turns as results come, in few pieces", () => {
    const sizes = Array.from({ length: 1_000 }, (_, stepChars) => turnsAt(stepChars));
    assert.deepEqual([...new Set(sizes)], [10, 8, 7, 6, 5, 3, 2]);
    assert.deepEqual([turnsAt(1), turnsAt(125), turnsAt(126)], [8, 8, 7]);
  });

  it("[L4] keeps a quarter of the room for the history, however long the results are", () => {
    assert.equal(turnsAt(1_000_000), 2);
  });

  it("[L4] gives the steps all the room that the history does not need", () => {
    const room = shareRoom(HISTORY.slice(0, 2), {
      freeChars: 1_000,
      stepChars: 5_000,
    });
    assert.deepEqual([room.entries.length, room.stepChars], [2, 900]);
  });
});

describe("[L4] createTokenRates()", () => {
  it("begins with 0.3, and follows the counts of each model", () => {
    const rates = createTokenRates();
    assert.equal(rates.rateOf("a"), 0.3);
    for (let request = 0; request < 30; request++) rates.observe("a", 1_000, 900);
    assert.ok(Math.abs(rates.rateOf("a") - 0.9) < 0.01);
    assert.equal(rates.rateOf("b"), 0.3);
  });

  it("ignores short requests and impossible counts", () => {
    const rates = createTokenRates();
    for (const [chars, tokens] of [[499, 400], [1_000, 0], [1_000, 9_999], [0, 10]] as const) {
      rates.observe("a", chars, tokens);
    }
    assert.equal(rates.rateOf("a"), 0.3);
  });
});
