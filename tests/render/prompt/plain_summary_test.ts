import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { partedText } from "../../../src/core/inbound/mentions.ts";
import type { Entry } from "../../../src/core/inbound/mentions.ts";
import { envelopeOf } from "../../../src/render/prompt/envelope.ts";
import { plainSummaryOf } from "../../../src/render/prompt/summary.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";

const stamp = (id: string) => ({ messageId: messageId(id), at: 0 });
const ask = (id: string, text: string): Entry => ({
  role: "user",
  ...partedText(
    envelopeOf({
      message: guildMessage({ text }),
      overheard: [],
      overheardChars: 0,
      timezone: "UTC",
    }),
    "a1b2c3d4e5f6",
  ),
  ...stamp(id),
});

describe("[L4] plainSummaryOf()", () => {
  it("has who said it, its id and the first words, and the names of called tools", () => {
    const call = { id: "1", name: "web_search", arguments: "{}" };
    const text = plainSummaryOf(
      [
        ask("101", "When is\nlow tide?"),
        { role: "assistant", text: "", calls: [call], ...stamp("101") },
        { role: "tool", call, text: "tide table", ...stamp("101") },
        { role: "assistant", text: "At six.", ...stamp("101") },
      ],
      undefined,
      1_000,
    );
    const { sender } = guildMessage();
    assert.deepEqual(text.split("\n"), [
      `[101] ${sender.username} (${sender.id}): When is low tide?`,
      "assistant: called web_search",
      "assistant: At six.",
    ]);
  });

  it("keeps an earlier summary of a model in part, and counts the lines that it leaves out", () => {
    const entries = Array.from({ length: 100 }, (_, at) => ask(`${200 + at}`, "w".repeat(500)));
    const previous = { boundary: "x", text: `FIRST ${"p".repeat(2_000)} LAST` };
    const text = plainSummaryOf(entries, previous, 2_000);
    assert.match(text, /^FIRST p[^]*LAST\n\[200\] [^]*\n\(\d+ more lines\)\n\[2\d\d\] /);
    assert.match(text, /\n\[299\] [^\n]*w…$/);
  });

  it("keeps the beginning of a conversation, however often entries are folded", () => {
    let text = "";
    for (let at = 0; at < 200; at++) {
      const entries = [ask(`${500 + at}`, `question ${at} ${"w".repeat(3_000)}`)];
      const previous = text === "" ? undefined : { boundary: "x", text, isPlain: true };
      text = plainSummaryOf(entries, previous, 4_000);
    }
    assert.match(text, /^\[500\] [^\n]*question 0[^]*\n\[699\] [^\n]*question 199[^\n]*$/);
    assert.match(text, /\n\(157 more lines\)\n/);
    assert.ok(text.length < 4_100);
  });

  it("keeps words of each question longer than its own answers", () => {
    let text = "";
    for (let at = 0; at < 40; at++) {
      const id = `${1_576_040_860_695_396_352n + BigInt(at)}`;
      const entries: Entry[] = [
        ask(id, `<@1456074443980800004> question ${at}: ${"w".repeat(3_000)}`),
        { role: "assistant", text: "a".repeat(300), ...stamp(id) },
      ];
      const previous = text === "" ? undefined : { boundary: "x", text, isPlain: true };
      text = plainSummaryOf(entries, previous, 5_000);
    }
    const asked = text.match(/^\[\d+\] [^\n]*> question \d+: w+…$/gm) ?? [];
    assert.equal(asked.length, 40);
    assert.doesNotMatch(text, /more lines/);
  });

  it("fills the room with the bot's newest lines, also without a line of a person", () => {
    const steps = Array.from({ length: 60 }, (_, at): Entry => ({
      role: "assistant",
      text: `step ${at} ${"s".repeat(70)}`,
      ...stamp(`${400 + at}`),
    }));
    for (const asked of [[], [ask("100", "count")]]) {
      const text = plainSummaryOf([...asked, ...steps], undefined, 3_000);
      assert.ok(text.length > 2_800 && text.length <= 3_000, `${text.length}`);
      assert.equal(text.includes(": count"), asked.length === 1);
      assert.match(text, /assistant: step 58 [^\n]*\nassistant: step 59 [^\n]*$/);
      assert.doesNotMatch(text, /step 9 /);
    }
  });

  it("fits into any room", () =>
    fc.assert(fc.property(
      fc.array(fc.string(), { maxLength: 30 }),
      fc.integer({ min: 400, max: 4_000 }),
      (texts, maxChars) => {
        const entries = texts.map((text, at) => ask(`${300 + at}`, text));
        const { length } = plainSummaryOf(
          entries,
          { boundary: "x", text: "p".repeat(9_000) },
          maxChars,
        );
        assert.ok(length <= maxChars + 100, `${length} of ${maxChars}`);
      },
    )));
});
