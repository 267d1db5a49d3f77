import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  agentToAsk,
  type AskedAgent,
  chainOf,
  checkCount,
  type ListedAgent,
  MAX_DEPTH,
  MAX_HELPERS,
  MAX_QUESTIONS,
  sortSteps,
  stepsOfAll,
} from "../../../src/core/turn/asking.ts";
import type { Step } from "../../../src/core/step.ts";

const AGENTS: readonly ListedAgent[] = ["a", "b", "c", "d", "e"].map((id) => ({ id }));

describe("[N4] agentToAsk()", () => {
  const table: readonly (readonly [chain: string, to: string, refusal?: RegExp])[] = [
    ["a", "b"],
    ["a b", "c"],
    ["a b c", "d"],
    ["a b c d", "e", /passes 3 agents at most, and has passed them: a → b → c → d/],
    ["a", "a", /you are a/],
    ["a b", "b", /you are b/],
    ["a b", "a", /circle: a → b → a/],
    ["a b c", "a", /circle: a → b → c → a/],
    ["a b c", "b", /circle: b → c → b/],
    ["a b c d", "b", /circle: b → c → d → b/],
    ["a", "x", /no agent "x"; there are: b, c, d, e/],
    ["a b", "x\u202e", /there are: a, c, d, e/],
  ];
  for (const [chain, to, refusal] of table) {
    it(`${refusal ? "refuses" : "permits"} ${JSON.stringify(to)} to ask by ${chain}`, () => {
      const ask = () => agentToAsk(to, chain.split(" "), AGENTS);
      if (refusal) assert.throws(ask, { name: "RefusedCall", reason: "agents", message: refusal });
      else assert.equal(ask().id, to);
    });
  }

  it("has no chain longer than the depth, and none with an agent twice", () => {
    const all = AGENTS.map(({ id }) => id);
    const longest: number[] = [];
    const walk = (chain: readonly string[]): void => {
      assert.equal(new Set(chain).size, chain.length);
      longest.push(chain.length);
      for (const to of all) {
        try {
          agentToAsk(to, chain, AGENTS);
        } catch {
          continue;
        }
        walk([...chain, to]);
      }
    };
    walk(["a"]);
    assert.equal(Math.max(...longest), MAX_DEPTH + 1);
  });
});

describe("[N4] checkCount()", () => {
  const asked = (count: number, helpers = 0): readonly Pick<AskedAgent, "isHelper">[] =>
    Array.from({ length: count }, (_, at) => ({ isHelper: at < helpers ? true : undefined }));

  it("permits four helpers in a turn, however many calls start them", () => {
    checkCount([], { count: MAX_HELPERS, areHelpers: true });
    checkCount(asked(5, 1), { count: 3, areHelpers: true });
    assert.throws(() => checkCount(asked(2, 2), { count: 3, areHelpers: true }), /has begun 2/);
  });

  it("permits twelve questions in a turn", () => {
    checkCount(asked(MAX_QUESTIONS - 1), { count: 1, areHelpers: false });
    const more = { count: 1, areHelpers: false };
    assert.throws(() => checkCount(asked(MAX_QUESTIONS), more), /12 times at most/);
  });
});

describe("[N4] sortSteps()", () => {
  const answer = (text: string): Step => ({ kind: "answer", text, calls: [], at: 0 });
  const ask = (number: number): Step => ({
    kind: "asked",
    number,
    callKey: `1:1:${number}`,
    part: 0,
    agentId: "b",
    question: "?",
    at: 0,
  });
  const inner = (number: number, text: string): Step => ({
    kind: "inner",
    number,
    step: answer(text),
    at: 0,
  });
  const steps: readonly Step[] = [
    answer("first of a"),
    ask(1),
    ask(2),
    inner(2, "first of 2"),
    inner(1, "first of 1"),
    { kind: "told", number: 2, end: "done", text: "two", at: 0 },
    inner(1, "second of 1"),
    { kind: "passed", from: "a", to: "c", task: "go on", at: 0 },
    answer("first of c"),
    inner(9, "of no one"),
  ];

  it("gives each agent its own steps, in their order", () => {
    const { own, earlier, asked, passed } = sortSteps(steps);
    assert.deepEqual([own, earlier], [[answer("first of c")], [answer("first of a")]]);
    assert.deepEqual(asked.map(({ number, steps, told }) => [number, steps, told?.text]), [
      [1, [answer("first of 1"), answer("second of 1")], undefined],
      [2, [answer("first of 2")], "two"],
    ]);
    assert.deepEqual(chainOf(passed, "c"), ["a", "c"]);
    const texts = stepsOfAll(sortSteps(steps)).map((step) => step.kind === "answer" && step.text);
    assert.deepEqual(texts, [
      "first of a",
      "first of c",
      "first of 1",
      "second of 1",
      "first of 2",
    ]);
  });

  it("leaves a turn of one agent as it is", () => {
    const own = [answer("one"), answer("two")];
    assert.deepEqual(sortSteps(own).own, own);
    assert.deepEqual(stepsOfAll(sortSteps(own)), own);
  });
});
