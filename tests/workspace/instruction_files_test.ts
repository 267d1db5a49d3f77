import assert from "node:assert/strict";
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createInstructionFiles, MAX_INSTRUCTIONS } from "../../src/workspace/workspace.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";

function setUp() {
  const directory = tempDirectory();
  const outside = directory.path;
  const folder = join(outside, "workspace");
  mkdirSync(folder);
  const { log, lines } = recordingLog();
  const files = createInstructionFiles(log);
  return {
    outside,
    [Symbol.dispose]: () => directory[Symbol.dispose](),
    lines,
    path: (name: string) => join(folder, name),
    write: (name: string, text: string | Uint8Array) => writeFileSync(join(folder, name), text),
    read: () => files(folder),
  };
}

describe("[H4] [S6] createInstructionFiles()", () => {
  it("reads both files in their order, and no others", () => {
    using test = setUp();
    const { write, read } = test;
    assert.deepEqual(read(), []);
    write("SOUL.md", "\ufeffBe kind.\n");
    write("AGENTS.md", "Answer briefly.");
    write("README.md", "Not this.");
    assert.deepEqual(read(), [
      { name: "AGENTS.md", text: "Answer briefly." },
      { name: "SOUL.md", text: "Be kind." },
    ]);
  });

  it("reads a changed file again", () => {
    using test = setUp();
    const { write, read, path } = test;
    write("AGENTS.md", "One.");
    assert.equal(read()[0]?.text, "One.");
    write("AGENTS.md", "One, two.");
    assert.equal(read()[0]?.text, "One, two.");
    rmSync(path("AGENTS.md"));
    assert.deepEqual(read(), []);
  });

  it("takes the beginning of a long file, and says so", () => {
    using test = setUp();
    const { write, read, lines } = test;
    write("AGENTS.md", "x".repeat(MAX_INSTRUCTIONS * 5));
    assert.equal(read()[0]?.text.length, MAX_INSTRUCTIONS);
    read();
    assert.equal(lines.length, 1);
  });

  it("follows no link, and takes no folder", () => {
    using test = setUp();
    const { outside, path, read, lines } = test;
    writeFileSync(join(outside, "secret"), "secret");
    symlinkSync(join(outside, "secret"), path("AGENTS.md"));
    mkdirSync(path("SOUL.md"));
    assert.deepEqual(read(), []);
    read();
    assert.equal(lines.length, 2, "once for each file");
    rmSync(path("AGENTS.md"));
    linkSync(join(outside, "secret"), path("AGENTS.md"));
    assert.deepEqual(read(), []);
  });
});
