import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COLOURED, PLAIN, styleFor } from "../../../src/cli/terminal/io.ts";

const TERMINAL = { isTTY: true };

describe("[O10] styleFor()", () => {
  it("gives a terminal bold text", () => {
    const style = styleFor(TERMINAL, { TERM: "xterm" });
    assert.equal(style.isOn, true);
    assert.equal(style.bold("Usage:"), "\u001b[1mUsage:\u001b[22m");
  });

  it("gives a pipe plain text, though the shell's environment promises colours", () => {
    const env = { TERM: "xterm-256color", COLORTERM: "truecolor" };
    assert.equal(styleFor({}, env), PLAIN);
    assert.equal(styleFor({ isTTY: false }, env), PLAIN);
  });

  it("respects NO_COLOR and TERM=dumb; an empty NO_COLOR does not count", () => {
    assert.equal(styleFor(TERMINAL, { NO_COLOR: "1" }), PLAIN);
    assert.equal(styleFor(TERMINAL, { TERM: "dumb" }), PLAIN);
    assert.equal(styleFor(TERMINAL, { NO_COLOR: "" }), COLOURED);
  });
});

describe("PLAIN", () => {
  it("returns each text unchanged", () => {
    const { isOn, ...painters } = PLAIN;
    assert.equal(isOn, false);
    for (const paint of Object.values(painters)) assert.equal(paint("text"), "text");
  });
});
