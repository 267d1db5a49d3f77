import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answerTo, filesOf, wordsOf } from "../../../simulator/model/script.ts";

describe("wordsOf()", () => {
  const cases: readonly [what: string, prompt: string, words: string][] = [
    ["a bare text", " hello ", "hello"],
    ["a fenced text", 'x\n<message boundary="k3f9">\nhello\n</message>\ny', "hello"],
    [
      "the last of two fences",
      '<message boundary="a">one</message> <message boundary="b">two</message>',
      "two",
    ],
    ["a fence that does not end", '<message boundary="a">one', "one"],
    ["a text with tags of its own", '<message boundary="a"><b>one</b></message>', "<b>one</b>"],
    ["a fence closed with its boundary", '<message boundary="a">one</message boundary="a">', "one"],
    ["nothing", "", ""],
  ];
  for (const [what, prompt, words] of cases) {
    it(`finds ${JSON.stringify(words)} in ${what}`, () => assert.equal(wordsOf(prompt), words));
  }
});

describe("filesOf()", () => {
  it("finds the text of each file, and none without a fence", () => {
    const one = '<file boundary="k3f9">\n{"name":"a.md"}\nlow tide\n</file>';
    assert.deepEqual(filesOf(`x\n${one}\n${one}`), Array(2).fill('{"name":"a.md"}\nlow tide'));
    assert.deepEqual(filesOf("low tide"), []);
  });
});

describe("answerTo()", () => {
  it("repeats files, unless a known word asks for an answer", () => {
    assert.match(answerTo("what is it?", ["low tide"]), /\n> low tide$/);
    assert.doesNotMatch(answerTo("code", ["low tide"]), /low tide/);
  });

  const asked = ["hello", "help", "long", "some CODE please", "table", ""];
  for (const words of asked) {
    it(`answers ${JSON.stringify(words)} in sentences, and repeats its answer exactly`, () => {
      assert.match(answerTo(words), /^(?:[A-Z]|\S+ )[^{}]+[.:]/);
      assert.doesNotMatch(answerTo(words), /built-in script|\{"/);
      assert.equal(answerTo(words), answerTo(words));
    });
  }

  it("repeats unknown words, quoted line by line", () => {
    assert.match(answerTo("what is\nnew?"), /\n> what is\n> new\?\n/);
  });

  it("repeats only a part of a long question", () => {
    assert.ok(answerTo("x".repeat(4_000)).length < 800);
  });

  it("does not react to a known word within another word", () => {
    assert.match(answerTo("belong"), /> belong/);
    assert.match(answerTo("unhelpful decoder"), /> unhelpful decoder/);
  });

  it("writes code in a block", () => assert.match(answerTo("code"), /\n```ts\n[^]+\n```$/));

  it("writes at length, more than two Discord messages, most of it in one block", () => {
    const text = answerTo("long");
    const [, block = ""] = /```text\n([^]+?)\n```/.exec(text) ?? [];
    assert.ok(text.length > 3_900, `${text.length} characters`);
    assert.ok(block.length > 3_500, `${block.length} characters in the block`);
    assert.equal(text.split("```").length, 3);
  });

  it("writes a table of equal rows", () => {
    const rows = answerTo("table").split("\n").filter((line) => line.startsWith("|"));
    assert.equal(rows.length, 5);
    assert.ok(rows.every((row) => row.split("|").length === 5));
  });
});
