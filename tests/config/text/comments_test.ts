import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  commaAfter,
  commentsIn,
  endOfLineComments,
  indentOf,
  isFirstInLine,
  isLastInLine,
  wordsForComment,
} from "../../../src/config/text/comments.ts";

const TEXT = '{\r\n\t"a": 1, /* x */ // y\r\n\t"b": "// no" /* , */ ,\n}';
const at = (part: string): number => TEXT.indexOf(part);

describe("[C10] the comments of a text", () => {
  it("are those outside of texts", () => {
    const found = commentsIn(TEXT, 0, TEXT.length);
    assert.deepEqual(found.map(({ offset, length }) => TEXT.slice(offset, offset + length)), [
      "/* x */",
      "// y",
      "/* , */",
    ]);
    assert.deepEqual(found.map(({ isLine }) => isLine), [false, true, false]);
  });

  it("hold no comma that counts", () => {
    assert.equal(commaAfter(TEXT, at('"// no"') + 7), TEXT.lastIndexOf(","));
    assert.equal(commaAfter(TEXT, at("1")), undefined);
  });

  it("end with their line, and are another's where a value follows", () => {
    assert.equal(endOfLineComments(TEXT, at("1,") + 2), at("// y") + 4);
    assert.equal(endOfLineComments("1 /* x */ 2", 1), 1);
  });

  it("knows where a line begins and ends", () => {
    assert.equal(indentOf(TEXT, at('"b"')), "\t");
    assert.deepEqual([isFirstInLine(TEXT, at('"b"')), isFirstInLine(TEXT, at("1"))], [true, false]);
    assert.deepEqual([isLastInLine(TEXT, 1), isLastInLine(TEXT, at("1"))], [true, false]);
  });

  it("[SEC-R12] cannot be ended by the words of somebody", () => {
    assert.equal(wordsForComment(" a */ b\n// c\u202e\u0007 "), "a * / b // c");
    assert.equal(wordsForComment("**//"), "** //");
  });
});
