import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { putBackCopy } from "../../src/store/copy/copy.ts";
import { openDatabase } from "../../src/store/database/database.ts";
import { MIGRATIONS, schemaOf } from "../../src/store/database/migrations.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 23);
const LATER = [...MIGRATIONS, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"];

/** A store of today that a later version has migrated, and left as by a kill. */
function migrated(folder: string): string {
  const path = join(folder, "barnacle.db");
  openDatabase(path, NOW).close();
  const database = openDatabase(path, NOW, LATER);
  database.exec("INSERT INTO later (id) VALUES (1)");
  database.close();
  return path;
}

function schemaIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return schemaOf(database);
  } finally {
    database.close();
  }
}

describe("[O13] putBackCopy()", () => {
  it("puts the copy back in one step, without the log of the newer store", () => {
    using directory = tempDirectory();
    const path = migrated(directory.path);
    writeFileSync(`${path}-wal`, "the log of a killed process");
    assert.equal(putBackCopy(path, MIGRATIONS.length, NOW), true);
    assert.deepEqual(readdirSync(directory.path), ["barnacle.db"]);
    assert.equal(schemaIn(path), MIGRATIONS.length);
    openDatabase(path, NOW).close();
  });

  it("takes no copy of another migration or another schema", () => {
    using directory = tempDirectory();
    const path = migrated(directory.path);
    assert.equal(putBackCopy(path, MIGRATIONS.length, NOW + 1), false);
    assert.equal(putBackCopy(path, MIGRATIONS.length - 1, NOW), false);
    assert.equal(schemaIn(path), MIGRATIONS.length + 1);
  });

  it("leaves the store alone if the copy is damaged", () => {
    using directory = tempDirectory();
    const path = migrated(directory.path);
    const copy = readdirSync(directory.path).find((name) => name.endsWith(".bak"));
    assert.ok(copy);
    writeFileSync(join(directory.path, copy), "no database, but long enough to be one".repeat(99));
    assert.throws(() => putBackCopy(path, MIGRATIONS.length, NOW), /file is not a database/);
    assert.equal(schemaIn(path), MIGRATIONS.length + 1);
    assert.ok(existsSync(join(directory.path, copy)));
  });
});
