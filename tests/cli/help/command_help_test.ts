import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { section } from "../../../src/cli/help/command_help.ts";
import { COLOURED, PLAIN } from "../../../src/cli/terminal/io.ts";

describe("[O10] section()", () => {
  it("lists terms in a column, with their texts beside them", () => {
    assert.deepEqual(section("Options", [["--json", "Print JSON"], ["-h", "Help"]], PLAIN), [
      "",
      "Options:",
      "  --json  Print JSON",
      "  -h      Help",
    ]);
  });

  it("starts the text of a long term on the next line", () => {
    const term = "--a-very-long-option <with-a-value>";
    assert.deepEqual(section("Options", [[term, "Text"]], PLAIN).slice(2), [
      `  ${term}`,
      `${" ".repeat(30)}Text`,
    ]);
  });

  it("writes the heading in bold, and nothing for an empty list", () => {
    assert.equal(section("Options", [["a", "b"]], COLOURED)[1], "\u001b[1mOptions:\u001b[22m");
    assert.deepEqual(section("Options", [], PLAIN), []);
  });
});
