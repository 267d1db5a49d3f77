import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createProcessIo } from "../../../src/cli/terminal/io.ts";
import { recordedTerminal } from "./recorded_terminal.ts";

describe("[O10] createProcessIo()", () => {
  it("writes results to stdout, notes and errors to stderr", () => {
    const { terminal, stdout, stderr } = recordedTerminal({ isTTY: false });
    const io = createProcessIo({ json: false }, terminal);
    io.out("result");
    io.err("note");
    io.problem("no token");
    assert.equal(stdout(), "result\n");
    assert.equal(stderr(), "note\nbarnacle: no token\n");
  });

  it("marks an error in bold on a terminal, but not with --json", () => {
    const { terminal, stderr } = recordedTerminal({ isTTY: true });
    createProcessIo({ json: false }, terminal).problem("no token");
    createProcessIo({ json: true }, terminal).problem("no token");
    const bold = "\u001b[31m\u001b[1mbarnacle:\u001b[22m\u001b[39m";
    assert.equal(stderr(), `${bold} no token\nbarnacle: no token\n`);
  });

  it("runs work without a status line in a pipe", async () => {
    const { terminal, stderr } = recordedTerminal({ isTTY: false });
    assert.equal(
      await createProcessIo({ json: false }, terminal).during("x", Promise.resolve(7)),
      7,
    );
    assert.equal(stderr(), "");
  });
});
