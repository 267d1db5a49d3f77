import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { StoreError } from "../../../src/store/database/store_error.ts";
import { openStore } from "../../support/store/open_database.ts";
import { watchFile } from "../../../src/store/database/database_files.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const isGone = (error: unknown): boolean => error instanceof StoreError && error.kind === "gone";

describe("[X2] watchFile()", () => {
  it("detects that the file was removed, moved or replaced, and that it is back", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeFileSync(path, "");
    const assertFileUnchanged = watchFile(path);
    assertFileUnchanged();
    renameSync(path, `${path}.moved`);
    assert.throws(assertFileUnchanged, isGone);
    writeFileSync(path, ""); // another one
    assert.throws(assertFileUnchanged, isGone);
    renameSync(`${path}.moved`, path);
    assertFileUnchanged();
    rmSync(path);
    assert.throws(assertFileUnchanged, isGone);
  });

  it("makes the store's probe fail, and so the health check", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: 0, elapsed: () => 0 });
    try {
      await store.gateway.touchAlive(ACCOUNT, [], 1);
      rmSync(path);
      await assert.rejects(store.gateway.touchAlive(ACCOUNT, [], 2), isGone);
    } finally {
      store.close();
    }
  });
});
