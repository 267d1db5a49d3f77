import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLedger, PART_LIMIT } from "./ledger.ts";

/** A ledger with two questions in one channel, each answered in three parts. */
function asked() {
  const ledger = createLedger(() => 0.9);
  const names = [ledger.owe("c"), ledger.owe("c")];
  const answers = names.map((name) => ledger.answer(`<@1> ${name}, please`).split("\n"));
  return { ledger, names, answers };
}

describe("createLedger()", () => {
  it("reports no problem if each part came once and in order", () => {
    const { ledger, answers } = asked();
    for (const line of answers.flat()) ledger.note(line);
    assert.ok(ledger.isAnswered());
    assert.deepEqual(ledger.account(() => answers.flat()), {
      owed: 2,
      answered: 2,
      lost: [],
      doubled: [],
      outOfOrder: [],
      foreign: [],
      mixed: [],
    });
  });

  it("creates parts of which one fits into a message, and two do not", () => {
    const [answer = []] = asked().answers;
    assert.equal(answer.length, 3);
    assert.ok(answer.every((part) => part.length <= PART_LIMIT && 2 * part.length > PART_LIMIT));
  });

  it("accepts a reply in one message or in several", () => {
    const { ledger, answers } = asked();
    const account = ledger.account(() => answers.map((lines) => lines.join("\n")));
    assert.equal(account.answered, 2);
  });

  const faults: readonly (readonly [
    what: string,
    written: (a: readonly string[], b: readonly string[], again: readonly string[]) => string[],
    found: Readonly<Record<string, readonly string[]>>,
  ])[] = [
    ["an answer that is not there", (a) => [...a], { lost: ["q000002"] }],
    ["a part that is not there", (a, b) => [...a, ...b.slice(0, 2)], { lost: ["q000002"] }],
    ["a part that is there twice", (a, b) => [...a, b[0]!, ...b], { doubled: ["q000002"] }],
    ["a part of another take", (a, b, again) => [...a, b[0]!, ...again.slice(1)], {
      mixed: ["q000002"],
    }],
    ["an answer before its time", (a, b) => [...b, ...a], {
      outOfOrder: ["q000001 part 1", "q000001 part 2", "q000001 part 3"],
    }],
    ["parts in a wrong order", (a, b) => [...a, b[1]!, b[0]!, b[2]!], {
      outOfOrder: ["q000002 part 1"],
    }],
    ["a text that is not the model's", (a, b) => [...a, ...b, "Sorry."], { foreign: ["Sorry."] }],
  ];
  for (const [what, written, expected] of faults) {
    it(`finds ${what}`, () => {
      const { ledger, names, answers: [a = [], b = []] } = asked();
      const again = ledger.answer(names[1]!).split("\n");
      const { owed: _, answered: __, ...found } = ledger.account(() => written(a, b, again));
      const none = { lost: [], doubled: [], outOfOrder: [], foreign: [], mixed: [] };
      assert.deepEqual(found, { ...none, ...expected });
    });
  }

  it("waits for the last part of each", () => {
    const { ledger, answers: [a = [], b = []] } = asked();
    for (const line of [...a, ...b.slice(0, 2)]) ledger.note(line);
    assert.ok(!ledger.isAnswered());
    ledger.note(b[2]!);
    assert.ok(ledger.isAnswered());
  });
});
