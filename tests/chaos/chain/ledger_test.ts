import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fenced } from "../../../src/render/prompt/untrusted.ts";
import { answerOf, type ChainEffects, isSettled, judgeChain, readChain } from "./ledger.ts";

const CARD =
  "Offer for e000001 e000002.\n```\n1. …\n```\n**<@1> chose: 1. Run e000001**\n✅ Run e1 ran";
const LINE = "✅ Run e000001 ran, for <@1>.";
const END = "Ended e000001: ✅.";
const NAMES = ["e000001", "e000002"];
const ONCE: ChainEffects = { Run: new Map([["e000001", 1]]), Post: new Map() };

const judged = (texts: readonly string[], effects = ONCE) =>
  judgeChain(readChain(texts), NAMES, effects);

describe("answerOf()", () => {
  it("names the turn's own events, and none that another turn answers now", () => {
    const text = [
      fenced("context", "canary12", "event e000001!, asked before: do not answer it"),
      fenced("event", "canary12", "event e000002!\n\nevent e000003!"),
    ].join("\n");
    const messages = [
      { role: "user", text },
      { role: "assistant", text: "" },
      { role: "tool", text: "1. Run e000002: it ran" },
    ];
    const request = { model: "m", system: "", tools: [], hasTools: false, messages };
    assert.equal(answerOf(request, 1, ""), "Ended e000002: ✅.");
  });
});

describe("judgeChain()", () => {
  it("finds nothing wrong in a chain that ran once", () => {
    const account = judged(["incident-1 is down", CARD, LINE, END]);
    assert.ok(isSettled(readChain([CARD, LINE, END]), NAMES));
    assert.deepEqual(account, {
      owed: 2,
      answered: 2,
      lost: [],
      doubled: [],
      outOfOrder: [],
      cards: 1,
      outcomes: { "✅": 1, "❌": 0, "⚠️": 0, declined: 0 },
      ranTwice: [],
      unsaid: [],
      untrue: [],
      unended: [],
      foreign: [],
    });
  });

  const faults: readonly (readonly [
    what: string,
    found: "lost" | "doubled" | "ranTwice" | "unsaid" | "untrue" | "unended" | "foreign",
    texts: readonly string[],
    effects?: ChainEffects,
  ])[] = [
    ["an event without an answer", "lost", [END]],
    ["two cards of an event", "doubled", [CARD, CARD, LINE, END]],
    ["a card and an answer", "doubled", [CARD, "Answer to e000002.", LINE, END]],
    ["an action that ran twice", "ranTwice", [CARD, LINE, END], {
      ...ONCE,
      Run: new Map([["e000001", 2]]),
    }],
    ["both actions of a card", "ranTwice", [CARD, LINE, END], {
      ...ONCE,
      Post: new Map([["e000001", 1]]),
    }],
    ["an outcome without a line", "unsaid", [CARD, END]],
    ["an outcome with two lines", "unsaid", [CARD, LINE, LINE, END]],
    ["a line for an action that did not run", "untrue", [CARD, LINE, END], {
      ...ONCE,
      Run: new Map(),
    }],
    ["a card without the outcome", "untrue", [CARD.replace("✅", ""), LINE, END]],
    ["a model that was told something else", "untrue", [CARD, LINE, "Ended e000001: ⚠️."]],
    ["a turn without an end", "unended", [CARD, LINE]],
    ["a turn with two ends", "unended", [CARD, LINE, END, END]],
    ["another message", "foreign", [CARD, LINE, END, "hello"]],
  ];
  for (const [what, found, texts, effects] of faults) {
    it(`finds ${what}`, () => {
      assert.ok(judged(texts, effects)[found].length > 0);
      if (found === "unsaid" || found === "unended") return;
      assert.deepEqual(judged(texts, effects).foreign.length, found === "foreign" ? 1 : 0);
    });
  }
});
