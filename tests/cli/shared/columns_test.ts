import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitCodeOf, inColumns, showFindings } from "../../../src/cli/shared/columns.ts";
import { COLOURED, PLAIN } from "../../../src/cli/terminal/io.ts";
import type { Finding, FindingStatus } from "../../../src/core/finding.ts";

describe("inColumns()", () => {
  it("aligns cells by their width on the screen", () => {
    assert.deepEqual(inColumns([["a", "b"], ["日本", "c"], ["👍🏽", "d"]]), [
      "a     b",
      "日本  c",
      "👍🏽    d",
    ]);
  });

  it("[X1] removes characters that move the cursor or reverse a line", () => {
    const [line = ""] = inColumns([["\u001b[2J\u202ea\n", "b"]]);
    assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
  });

  it("leaves no spaces at the end, and accepts rows of different lengths", () => {
    assert.deepEqual(inColumns([["a", ""], ["b"], []]), ["a", "b", ""]);
  });
});

const of = (id: string, status: FindingStatus, more: Partial<Finding> = {}): Finding => ({
  id,
  what: id,
  status,
  why: "because",
  ...more,
});

describe("[O3] showFindings()", () => {
  it("prints a row for each finding, in columns, with its fix below", () => {
    const rows = showFindings([
      of("a", "pass", { ms: 4.4 }),
      of("longer", "fail", { fix: "mend it", ms: 1_200 }),
      of("b", "skipped"),
      of("c", "warn"),
    ], PLAIN);
    assert.deepEqual(rows, [
      "ok    a          4 ms  because",
      "FAIL  longer  1200 ms  because",
      "                       = mend it",
      "skip  b                because",
      "warn  c                because",
    ]);
  });

  it("leaves out the column of milliseconds if there are none", () => {
    assert.deepEqual(showFindings([of("a", "pass")], PLAIN), ["ok    a  because"]);
  });

  it("names the place of a config problem once", () => {
    const [row] = showFindings([
      of("config", "fail", {
        what: "Config",
        where: "a.jsonc:1 chanels",
        why: "there is no such key",
      }),
    ], PLAIN);
    assert.equal(row, "FAIL  Config  a.jsonc:1 chanels: there is no such key");
    assert.deepEqual(showFindings([of("a", "fail", { where: "here" })], PLAIN), [
      "FAIL  a  because",
    ]);
  });

  it("colours only the word, and only with a coloured style", () => {
    const [row = ""] = showFindings([of("a", "fail")], COLOURED);
    assert.equal(row, "\x1b[31mFAIL\x1b[39m  a  because");
  });

  it("removes control characters", () => {
    const evil = of("a", "fail", { why: "\x1b[2Jgone\nFAIL", fix: "\r\x07" });
    for (const row of showFindings([evil], PLAIN)) assert.doesNotMatch(row, /\p{Cc}/u);
  });
});

describe("[O7] exitCodeOf()", () => {
  const rows: readonly (readonly [name: string, findings: readonly Finding[], code: number])[] = [
    ["nothing", [], 0],
    ["all well", [of("a", "pass"), of("b", "skipped")], 0],
    ["warnings only", [of("a", "pass"), of("b", "warn")], 3],
    ["a failure", [of("a", "fail"), of("b", "warn")], 1],
    ["a refused token", [of("network.rest.dns", "fail"), of("discord.token", "fail")], 77],
    ["a config that is wrong", [of("discord.token", "fail"), of("config", "fail")], 78],
    ["a missing token", [of("config.token", "fail")], 78],
    ["a token that may be right", [of("discord.token", "warn")], 3],
  ];
  for (const [name, findings, code] of rows) {
    it(`is ${code} for ${name}`, () => assert.equal(exitCodeOf(findings), code));
  }
});
