import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { removeDeadFiles } from "../../../src/host/files/write_file.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[O11] [O13] removeDeadFiles()", () => {
  it("removes what a process left that died, and nothing of one that runs", () => {
    using folder = tempDirectory();
    const living = `.copy-${process.ppid}.part`;
    for (const name of [living, `.copy-${process.pid}.part`, ".copy-999999999.part", "kept"]) {
      writeFileSync(join(folder.path, name), "");
    }
    mkdirSync(join(folder.path, ".folder-999999998.part"));
    removeDeadFiles(folder.path, /^\..+-(\d+)\.part$/);
    assert.deepEqual(readdirSync(folder.path).sort(), [living, "kept"]);
  });
});
