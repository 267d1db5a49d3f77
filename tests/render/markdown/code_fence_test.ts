import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NOTHING_OPEN, openAt, quoteAt } from "../../../src/render/markdown/code_fence.ts";

/** Cut at the `¦`. */
const piece = (marked: string) => ({
  text: marked.replace("¦", ""),
  fences: [],
  from: 0,
  to: marked.indexOf("¦"),
  before: NOTHING_OPEN,
});

describe("[R2] openAt()", () => {
  const cases: readonly [marked: string, isSpoiler: boolean, code: string][] = [
    ["a ||b ¦ c|| d", true, ""],
    ["a ||b|| ¦ c", false, ""],
    ["a ||b ¦ c", false, ""],
    ["a `b ¦ c` d", false, "`"],
    ["a ``b ¦ c`` d", false, "``"],
    ["a `b ¦ c`` d", false, ""],
    ["a `b ¦\nc` d", false, ""],
    ["||a `b ¦ c` d||", true, "`"],
    ["`||` a ¦ b || c", false, ""],
    ["\\||a ¦ b||", false, ""],
  ];
  for (const [marked, isSpoiler, code] of cases) {
    it(marked, () => {
      const { open } = openAt(piece(marked));
      assert.deepEqual({ ...open }, { isSpoiler, code, quote: "" });
    });
  }

  it("continues with marks that were open", () => {
    const before = { isSpoiler: true, code: "", quote: "" };
    assert.equal(openAt({ ...piece("a ¦ b|| c"), before }).open.isSpoiler, true);
    assert.equal(openAt({ ...piece("a|| ¦ b || c"), before }).open.isSpoiler, false);
    const code = { ...NOTHING_OPEN, code: "`" };
    assert.equal(openAt({ ...piece("a ¦ b` c"), before: code }).open.code, "`");
    assert.equal(openAt({ ...piece("a` ¦ b c"), before: code }).open.code, "");
  });

  it("leaves no lone mark at an end", () => {
    assert.equal(openAt(piece("a || ¦b||")).endBefore, 2);
    assert.equal(openAt(piece("a ||b¦ || c")).continueAt, 8);
    assert.equal(openAt(piece("a ` ¦b`")).endBefore, 2);
    assert.equal(openAt(piece("a `b¦ ` c")).continueAt, 6);
  });
});

describe("[R2] quoteAt()", () => {
  const cases = [["> a ¦b", "> "], ["> > a ¦b", "> > "], ["> a\nb ¦c", ""], ["a\n> b ¦c", "> "]];
  for (const [marked = "", quote] of cases) {
    it(JSON.stringify(marked), () => assert.equal(quoteAt(piece(marked)), quote));
  }

  it("keeps the mark of a line that was cut before", () => {
    const before = { ...NOTHING_OPEN, quote: "> " };
    assert.equal(quoteAt({ ...piece("> a b ¦c"), from: 4, before }), "> ");
  });

  it("drops a mark that would fill the message", () => {
    assert.equal(quoteAt(piece("> > > a ¦b")), "");
  });
});
