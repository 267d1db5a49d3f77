import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { StoreErrorKind } from "../../../src/core/store/store.ts";
import { StoreError, toStoreError, watchFile } from "../../../src/store/database/database_files.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { openStore } from "../../support/store/open_database.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const PATH = "/data/barnacle.db";

const withFields = (message: string, fields: object) => Object.assign(new Error(message), fields);

const FAULTS: readonly (readonly [thrown: Error, kind: StoreErrorKind])[] = [
  [withFields("?", { errcode: 5 }), "unavailable"],
  [withFields("?", { errcode: 8 }), "unavailable"],
  [withFields("?", { errcode: 778 }), "unavailable"], // 10, while it wrote
  [withFields("?", { errcode: 11 }), "damaged"],
  [withFields("?", { errcode: 13 }), "full"],
  [withFields("?", { errcode: 14 }), "unavailable"],
  [withFields("?", { errcode: 26 }), "damaged"],
  [withFields("database is locked", { code: "ERR_SQLITE_ERROR" }), "unavailable"],
  [new Error("disk I/O error"), "unavailable"],
  [new Error("database disk image is malformed"), "damaged"],
  [new Error("malformed database schema (inbox) - near"), "damaged"],
  [new Error("database or disk is full"), "full"],
  [new Error("unable to open database file: /data/barnacle.db"), "unavailable"],
  [new Error("file is not a database"), "damaged"],
  [withFields("no space left on device", { code: "ENOSPC" }), "full"],
  [withFields("read-only file system", { code: "EROFS" }), "unavailable"],
];

describe("[X2] toStoreError()", () => {
  for (const [thrown, kind] of FAULTS) {
    it(`classifies ${JSON.stringify({ text: thrown.message, ...thrown })} as ${kind}`, () => {
      const error = toStoreError(thrown, PATH);
      assert.ok(error instanceof StoreError);
      assert.equal(error.kind, kind);
      assert.equal(error.path, PATH);
      assert.equal(error.cause, thrown);
      assert.ok(error.message.includes(PATH));
      const isForCopy = /stays unchanged.*`barnacle restore <file> --force` installs a backup/;
      assert.equal(isForCopy.test(error.message), kind === "damaged");
    });
  }

  it("returns errors of our own code unchanged", () => {
    const constraint = withFields("UNIQUE constraint failed: inbox.message_id", { errcode: 2067 });
    const storeError = new StoreError("said already", { kind: "newer", path: PATH });
    for (const thrown of [constraint, new TypeError("disk"), storeError, "a word", undefined]) {
      assert.equal(toStoreError(thrown, PATH), thrown);
    }
  });
});

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
      await store.gateway.touchAlive(ACCOUNT, undefined, 1);
      rmSync(path);
      await assert.rejects(store.gateway.touchAlive(ACCOUNT, undefined, 2), isGone);
    } finally {
      store.close();
    }
  });
});
