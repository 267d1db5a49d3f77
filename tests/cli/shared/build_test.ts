import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { version } from "../../../src/cli/shared/build.ts";
import { recordingIo } from "../io.ts";

describe("[O10] barnacle version", () => {
  it("prints one line", () => {
    const io = recordingIo();
    assert.equal(version({ json: false }, io), 0);
    assert.equal(io.stdout.length, 1);
    assert.match(io.stdout[0] ?? "", /^barnacle \S+.*, (Bun|Deno) \S+, SQLite 3\.\S+, \w+-\w+$/);
    assert.deepEqual(io.stderr, []);
  });

  it("--json prints one object with the same facts", () => {
    const io = recordingIo();
    assert.equal(version({ json: true }, io), 0);
    const facts = JSON.parse(io.stdout.join(""));
    assert.deepEqual(Object.keys(facts), [
      "version",
      "commit",
      "runtime",
      "sqlite",
      "platform",
      "schema",
    ]);
    assert.equal(facts.platform, `${process.platform}-${process.arch}`);
  });
});
