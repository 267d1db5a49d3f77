import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../src/core/inbound/inbound.ts";
import { charsOf, foldCount, keptChars, shouldFold } from "../../src/session/session.ts";
import { messageId } from "../support/discord/builders.ts";

const stamp = { messageId: messageId("1"), at: 0 };
const user = (text: string): Entry => ({ role: "user", text, ...stamp });
const bot = (text: string): Entry => ({ role: "assistant", text, ...stamp });
const CALL = { id: "1", name: "read", arguments: "{}" };
const calls = (text: string): Entry => ({ role: "assistant", text, calls: [CALL], ...stamp });
const result = (text: string): Entry => ({ role: "tool", call: CALL, text, ...stamp });

describe("foldCount()", () => {
  it("[L4] keeps the newest turns that fit, and folds the others", () => {
    const entries = [user("aaaa"), bot("bbbb"), user("cccc"), bot("dddd")];
    assert.equal(foldCount(entries, 16), 0);
    assert.equal(foldCount(entries, 15), 2);
    assert.equal(foldCount(entries, 8), 2);
    assert.equal(foldCount(entries, 7), 4);
  });

  it("[L4] never separates a tool call from its results, nor an answer from its question", () => {
    const turn = fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 }).map((lengths) => [
      user("x"),
      ...lengths.flatMap((length) => [calls(""), result("r".repeat(length))]),
      bot("y"),
    ]);
    fc.assert(fc.property(fc.array(turn, { maxLength: 8 }), fc.nat({ max: 200 }), (turns, keep) => {
      const entries = turns.flat();
      const count = foldCount(entries, keep);
      const rest = entries.slice(count);
      assert.ok(rest.length === 0 || rest[0]?.role === "user");
      assert.ok(charsOf(rest) <= keep);
    }));
  });
});

describe("shouldFold()", () => {
  const window = { contextWindow: 12_571, maxOutput: 1_000 }; // 10,000 tokens for the request
  const size = (otherChars: number, tokensPerChar = 0.5) => ({ otherChars, window, tokensPerChar });

  it("[L4] folds at three quarters of the window", () => {
    assert.equal(shouldFold({ count: 1, chars: 14_000 }, size(999)), false);
    assert.equal(shouldFold({ count: 1, chars: 14_000 }, size(1_000)), true);
  });

  it("[L4] goes by the model's tokens per character", () => {
    const entries = { count: 1, chars: 5_000 };
    assert.equal(shouldFold(entries, size(0, 0.5)), false);
    assert.equal(shouldFold(entries, size(0, 1.5)), true);
  });

  it("[L4] finds at the share of 1 that entries do not fit", () => {
    assert.equal(shouldFold({ count: 1, chars: 19_000 }, size(999), 1), false);
    assert.equal(shouldFold({ count: 1, chars: 19_000 }, size(1_000), 1), true);
    assert.equal(shouldFold({ count: 999, chars: 0 }, size(0), 1), false);
    assert.equal(shouldFold({ count: 1_000, chars: 0 }, size(0), 1), true);
  });

  it("folds a transcript with too many entries to show", () => {
    const entries = Array.from({ length: 750 }, () => user("x"));
    assert.equal(shouldFold({ count: 750, chars: 750 }, size(0)), true);
    assert.equal(shouldFold({ count: 749, chars: 749 }, size(0)), false);
    assert.ok(foldCount(entries, Infinity) > 300);
  });
});

describe("keptChars()", () => {
  it("[L4] keeps 20,000 tokens of a large window, and less of a small one", () => {
    const large = { contextWindow: 200_000, maxOutput: 4_000 };
    assert.equal(keptChars({ window: large, tokensPerChar: 0.25, otherChars: 0 }), 80_000);
    const small = { contextWindow: 12_571, maxOutput: 1_000 };
    assert.equal(keptChars({ window: small, tokensPerChar: 0.5, otherChars: 0 }), 6_000);
  });

  it("[L4] keeps at most half of the room that prompt and tools leave", () => {
    const window = { contextWindow: 12_571, maxOutput: 1_000 }; // 20,000 UTF-16 units
    const kept = (otherChars: number) => keptChars({ window, tokensPerChar: 0.5, otherChars });
    assert.deepEqual([kept(8_000), kept(8_002), kept(16_000), kept(30_000)], [
      6_000,
      5_999,
      2_000,
      0,
    ]);
  });
});
