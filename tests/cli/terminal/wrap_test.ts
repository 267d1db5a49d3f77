import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { COLOURED, wrapLines } from "../../../src/cli/terminal/io.ts";
import { displayWidth } from "../../../src/render/markdown/chunk.ts";

describe("[O10] wrapLines()", () => {
  it("breaks between words, below the last column that is not too far right", () => {
    const line = "ok    Token    10 ms  it belongs to Barnacle, which ada owns, and it works";
    assert.deepEqual(wrapLines([line, "short"], 50), [
      "ok    Token    10 ms  it belongs to Barnacle,",
      "                      which ada owns, and it works",
      "short",
    ]);
    const far = `  ok  guild  "Krill" is listed  (channels.discord.guilds.1456, config.jsonc:5)`;
    assert.deepEqual(wrapLines([far], 50), [
      '  ok  guild  "Krill" is listed ',
      "             (channels.discord.guilds.1456,",
      "             config.jsonc:5)",
    ]);
  });

  it("begins further to the left where the longest word would not fit", () => {
    const rule = "(channels.discord.guilds.1456074443980800001.requireMention,";
    const line = `  ok  mention  it addresses the bot  ${rule} config.jsonc:5)`;
    for (let columns = rule.length + 4; columns < 100; columns++) {
      const lines = wrapLines([line], columns);
      assert.ok(lines.every(({ length }) => length <= columns), `${columns}: ${lines.join("\n")}`);
    }
    const url = `https://example.org/${"x".repeat(80)}`;
    assert.deepEqual(wrapLines([`  ok  link  it is ${url}`], 60), [
      "  ok  link  it is",
      `            ${url}`,
    ]);
  });

  it("keeps no margin that leaves no room for words", () =>
    assert.deepEqual(
      wrapLines([`${" ".repeat(28)}= give the container a name server, or two`], 40),
      [
        "      = give the container a name",
        "        server, or two",
      ],
    ));

  it("keeps styles, wherever they are", () => {
    const line = `${COLOURED.green("ok")}    Token  it belongs to Barnacle, which ada owns`;
    const [first = ""] = wrapLines([line], 40);
    assert.ok(first.startsWith(`${COLOURED.green("ok")}    Token  it belongs`), first);
    const bold = COLOURED.bold("it belongs to Barnacle, which ada owns, and it works");
    assert.equal(wrapLines([bold], 40).map((one) => one.trim()).join(" "), bold);
  });

  it("breaks no word, and fills no line further than its words need", () => {
    const word = fc.oneof(fc.stringMatching(/^[a-z]{1,25}$/), fc.constantFrom("日本", "👍🏽", "é"));
    const line = fc.array(fc.tuple(word, fc.constantFrom(" ", "  ", "    ")), { minLength: 1 });
    fc.assert(fc.property(line, fc.integer({ min: 30, max: 80 }), (parts, columns) => {
      const text = parts.flat().join("").trimEnd();
      const lines = wrapLines([text], columns);
      const words = (all: readonly string[]) => all.join(" ").split(/ +/).filter((one) => one);
      assert.deepEqual(words(lines), words([text]));
      for (const one of lines) assert.ok(displayWidth(one.trimEnd()) <= columns, one);
    }));
  });
});
