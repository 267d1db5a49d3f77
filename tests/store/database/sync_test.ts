import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { syncDirectory, syncFile } from "../../../src/store/database/database_files.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[X7] syncFile()", () => {
  it("leaves a file and its directory unchanged, and throws if the file is missing", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "file");
    writeFileSync(path, "text");
    syncFile(path);
    syncDirectory(directory.path);
    assert.equal(readFileSync(path, "utf8"), "text");
    assert.throws(() => syncFile(join(directory.path, "none")), /ENOENT|No such file/);
  });
});
