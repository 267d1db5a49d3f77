import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutFooter } from "../../src/core/outbound/footer_line.ts";
import { footerOf, moneyText, withFooter } from "../../src/render/footer.ts";
import type { ComposedReply } from "../../src/render/reply.ts";

const COST = {
  model: "a/x",
  requests: 2,
  inputTokens: 2_000,
  cachedTokens: 1_600,
  outputTokens: 120,
  micros: 4_200,
  ms: 3_210,
};

const LINE = "-# a/x · 2000 + 120 tokens · 80 % cached · 0.0042 · 3.2 s";

function composed(...chunks: string[]): Extract<ComposedReply, { kind: "reply" }> {
  return { kind: "reply", text: "the answer", reply: { chunks } } as unknown as Extract<
    ComposedReply,
    { kind: "reply" }
  >;
}

describe("[R15] the footer", () => {
  it("has model, tokens, cached share, money and seconds", () => {
    assert.equal(footerOf({ limit: 2_000 }, COST)?.line, LINE);
  });

  it("leaves out unknown money, and is absent without its rule or a request", () => {
    const { micros: _, ...unpriced } = COST;
    assert.doesNotMatch(footerOf({ limit: 2_000 }, unpriced)?.line ?? "", /0\.0042/);
    assert.equal(footerOf(undefined, COST), undefined);
    assert.equal(footerOf({ limit: 2_000 }, undefined), undefined);
  });

  it("joins the last message if it fits, and the session's text never has it", () => {
    const short = withFooter(composed("one", "two"), footerOf({ limit: 2_000 }, COST));
    assert.deepEqual(short.reply.chunks, ["one", `two\n${LINE}`]);
    assert.equal(short.text, "the answer");
    const long = withFooter(composed("x".repeat(1_990)), footerOf({ limit: 2_000 }, COST));
    assert.deepEqual(long.reply.chunks.slice(1), [LINE]);
  });

  it("is recognised in a message, with money and without it, and nothing else is", () => {
    const { micros: _, ...unpriced } = COST;
    for (const cost of [COST, unpriced, { ...COST, micros: 12 }, { ...COST, micros: 3_000_000 }]) {
      const line = footerOf({ limit: 2_000 }, cost)?.line ?? "";
      assert.equal(withoutFooter(`two\n${line}`), "two", line);
      assert.equal(withoutFooter(line), "");
      assert.equal(withoutFooter(`${line}\nmore`), `${line}\nmore`);
    }
    assert.equal(withoutFooter("two\n-# small words"), "two\n-# small words");
  });

  it("writes money with at least two digits that count", () => {
    const rows = [[0, "0.00"], [12_340_000, "12.34"], [123_456, "0.12"], [4_200, "0.0042"], [
      1,
      "0.000001",
    ]] as const;
    for (const [micros, text] of rows) assert.equal(moneyText(micros), text);
  });
});
