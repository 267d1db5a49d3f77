import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutFooter } from "../../src/core/outbound/outbound.ts";
import { costFactOf, footerOf, freeze, withFooter } from "../../src/render/reply.ts";
import { moneyText } from "../../src/core/spending/budget.ts";
import type { ComposedReply } from "../../src/render/reply.ts";
import { messageId, reply } from "../support/discord/builders.ts";
import type { ModelUsage } from "../../src/core/model.ts";
import type { Step } from "../../src/core/step.ts";

const answer = (usage?: ModelUsage): Step => ({
  kind: "answer",
  text: "",
  calls: [],
  at: 1,
  ...(usage && { usage }),
});
const result: Step = { kind: "result", callId: "1", at: 2, end: "done", text: "42" };

const cases:
  readonly (readonly [what: string, steps: readonly Step[], text: string | undefined])[] = [
    ["nothing without steps", [], undefined],
    ["nothing if no server tells its tokens", [answer(), result], undefined],
    [
      "tokens of all requests",
      [
        answer({ inputTokens: 900, cachedTokens: 500, outputTokens: 20 }),
        result,
        answer({ inputTokens: 1_100, outputTokens: 5 }),
      ],
      "2000 + 25 tokens",
    ],
    [
      "tokens and money with prices",
      [
        answer({ inputTokens: 900, outputTokens: 20, micros: 1_200 }),
        answer({ inputTokens: 100, outputTokens: 5, micros: 34 }),
      ],
      "1000 + 25 tokens · 0.0012 EUR",
    ],
    [
      "no money if one request has no price",
      [
        answer({ inputTokens: 900, outputTokens: 20, micros: 1_200 }),
        answer({ inputTokens: 100, outputTokens: 5 }),
      ],
      "1000 + 25 tokens",
    ],
    ["no money", [answer({ inputTokens: 9, outputTokens: 2, micros: 0 })], "9 + 2 tokens"],
    [
      "that it is an estimate",
      [answer({ inputTokens: 9, outputTokens: 2, isEstimate: true })],
      "about 9 + 2 tokens",
    ],
  ];

for (const [what, steps, text] of cases) {
  it(`[A1] [L5] costFactOf() › shows ${what}`, () =>
    assert.equal(costFactOf(steps, "EUR")?.value, text));
}

const COST = {
  model: "a/x",
  requests: 2,
  inputTokens: 2_000,
  cachedTokens: 1_600,
  outputTokens: 120,
  micros: 4_200,
  ms: 3_210,
};

const LINE = "-# a/x · 2000 + 120 tokens · 80 % cached · 0.0042 EUR · 3.2 s";

function composed(...chunks: string[]): Extract<ComposedReply, { kind: "reply" }> {
  return { kind: "reply", text: "the answer", reply: { chunks } } as unknown as Extract<
    ComposedReply,
    { kind: "reply" }
  >;
}

const short = withFooter(composed("one", "two"), footerOf(COST, "EUR"), 2_000);

describe("[R15] the footer", () => {
  it("has model, tokens, cached share, money and seconds", () => {
    assert.equal(footerOf(COST, "EUR"), LINE);
  });

  it("leaves out unknown money, and is absent without its rule or a request", () => {
    const { micros: _, ...unpriced } = COST;
    assert.doesNotMatch(footerOf(unpriced, "EUR") ?? "", /0\.0042/);
    assert.equal(footerOf(undefined, "EUR"), undefined);
    assert.equal(footerOf(undefined, "EUR", "Quill`\nof the sea"), "-# Quill of the sea");
    assert.equal(footerOf(COST, "EUR", "Quill"), LINE.replace("-# ", "-# Quill · "));
    assert.equal(withFooter(composed("one"), undefined, 2_000).reply.chunks.length, 1);
  });

  it("joins the last message if it fits, and the session's text never has it", () => {
    assert.deepEqual(short.reply.chunks, ["one", `two\n${LINE}`]);
    assert.equal(short.text, "the answer");
    const long = withFooter(composed("x".repeat(1_990)), footerOf(COST, "EUR"), 2_000);
    assert.deepEqual(long.reply.chunks.slice(1), [LINE]);
  });

  it("stands apart in the last frozen message, too", () => {
    const answer = { ...reply({ chunks: ["one", "two"] }), footer: LINE };
    assert.deepEqual(freeze(answer).map(({ message }) => message.footer), [undefined, LINE]);
    assert.equal(short.reply.footer, LINE);
  });

  it("is taken out of a text of Discord's: exactly this line, and no other", async () => {
    const id = messageId("77");
    const cleaned = (text: string, footer: string | undefined = LINE) =>
      withoutFooter(text, id, (asked) => Promise.resolve(asked === id ? footer : undefined));
    assert.equal(await cleaned(`two\n${LINE}`), "two");
    assert.equal(await cleaned(LINE), "");
    assert.equal(await cleaned(`${LINE}\n[attachment: a.txt]`), "[attachment: a.txt]");
    assert.equal(await cleaned("two\n-# small words"), "two\n-# small words");
    const none = () => Promise.resolve(undefined);
    assert.equal(await withoutFooter(`two\n${LINE}`, id, none), `two\n${LINE}`);
  });

  it("costs a text without small letters no look into the store", async () => {
    const never = () => Promise.reject(new Error("asked"));
    assert.equal(await withoutFooter("two", messageId("77"), never), "two");
  });

  it("writes money with at least two digits that count", () => {
    const rows = [[0, "0.00"], [12_340_000, "12.34"], [123_456, "0.12"], [4_200, "0.0042"], [
      1,
      "0.000001",
    ]] as const;
    for (const [micros, text] of rows) assert.equal(moneyText(micros), text);
  });
});
