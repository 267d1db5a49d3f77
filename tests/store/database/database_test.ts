import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { StoreErrorKind } from "../../../src/core/store/store.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const canMount = process.platform === "linux" && process.geteuid?.() === 0 && mounts();

const NEEDS_SMALL_DISK = skipUnless(canMount, "no tmpfs for a full disk");

/** Mounts a disk of this size in KiB. */
function mountSmallDisk(kib: number) {
  const folder = tempDirectory();
  const mount = (options: string) =>
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "none", folder.path]);
  mount(`size=${kib}k`);
  return {
    path: folder.path,
    /** Makes room. */
    grow: () => mount("remount,size=64m"),
    [Symbol.dispose]() {
      execFileSync("umount", [folder.path]);
      folder[Symbol.dispose]();
    },
  };
}

/** Whether this process may mount. */
function mounts(): boolean {
  using folder = tempDirectory();
  try {
    execFileSync("mount", ["-t", "tmpfs", "none", folder.path], { stdio: "ignore" });
    execFileSync("umount", [folder.path]);
    return true;
  } catch {
    return false;
  }
}

const NOW = Date.UTC(2026, 10, 20, 8, 30);

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const digestOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

function openingFails(path: string, kind: StoreErrorKind, ...words: readonly string[]): void {
  assert.throws(() => openDatabase(path, NOW), (error: unknown) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.kind, kind);
    for (const word of [path, ...words]) {
      assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
    }
    return true;
  });
}

function overwrite(path: string, text: string, at: number): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, text, at);
  closeSync(descriptor);
}

/** A closed database with some pages in it. */
function makeDatabase(path: string): void {
  const database = openDatabase(path, NOW);
  const insert = database.prepare("INSERT INTO guild VALUES ('default', ?, ?)");
  for (let id = 1; id <= 50; id++) insert.run(String(id), "x".repeat(1_000));
  database.close();
}

describe("openDatabase()", () => {
  it("[X2] creates a file and its directory that only the owner can read", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "new", "barnacle.db");
    const database = openDatabase(path, NOW);
    database.exec("INSERT INTO guild VALUES ('default', '1', 'x')");
    assert.equal(modeOf(join(directory.path, "new")), "700");
    for (const name of readdirSync(join(directory.path, "new"))) {
      assert.equal(modeOf(join(directory.path, "new", name)), "600", name);
    }
    database.close();
  });

  it("[X2] makes a file private if other users can read it", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    makeDatabase(path);
    chmodSync(path, 0o644);
    openDatabase(path, NOW).close();
    assert.equal(modeOf(path), "600");
  });

  it("[X2] keeps the data of an existing file", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    makeDatabase(path);
    const database = openDatabase(path, NOW);
    assert.equal(database.prepare("SELECT COUNT(*) AS n FROM guild").get()?.["n"], 50);
    database.close();
    assert.deepEqual(readdirSync(directory.path), ["barnacle.db"]);
  });

  const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
    "that holds something else": (path) => writeFileSync(path, "garbage\n".repeat(1_000)),
    "with a damaged header": (path) => overwrite(path, "no", 0),
    "with a damaged schema": (path) => overwrite(path, "\xff".repeat(200), 100),
    "that was cut off": (path) => truncateSync(path, 5_000),
  };
  for (const [name, damage] of Object.entries(DAMAGES)) {
    it(`[X2] refuses a file ${name}, and leaves it unchanged`, () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      makeDatabase(path);
      damage(path);
      const before = digestOf(path);
      openingFails(path, "damaged", "`barnacle restore <file> --force`");
      assert.equal(digestOf(path), before);
    });
  }

  it("[X2] makes a store anew whose first start found a full disk", NEEDS_SMALL_DISK, () => {
    for (let kib = 4; kib <= 260; kib += 32) {
      using disk = mountSmallDisk(kib);
      const path = join(disk.path, "barnacle.db");
      for (let tries = 0; tries < 2; tries++) {
        try {
          openDatabase(path, NOW).close();
        } catch (error) {
          assert.ok(error instanceof StoreError, String(error));
          assert.match(error.kind, /^(?:full|unavailable)$/, error.message);
        }
      }
      disk.grow();
      openDatabase(path, NOW).close();
      assert.deepEqual(readdirSync(disk.path), ["barnacle.db"]);
    }
  });

  it("[X2] makes a store anew whose first start was killed before the log was there", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeFileSync(`${path}.new`, "");
    const begun = new DatabaseSync(path);
    begun.exec("PRAGMA journal_mode = WAL");
    begun.close();
    assert.deepEqual(readdirSync(directory.path), ["barnacle.db", "barnacle.db.new"]);
    openDatabase(path, NOW).close();
    assert.deepEqual(readdirSync(directory.path), ["barnacle.db"]);
  });

  it("[X2] leaves another program's database alone", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE recipe (name TEXT)");
    foreign.close();
    const before = digestOf(path);
    openingFails(path, "unwritable", "belongs to another program");
    assert.equal(digestOf(path), before);
  });

  it("[X7] refuses a newer schema, names both schemas, and changes neither file nor log", () => {
    using directory = tempDirectory();
    const live = join(directory.path, "live.db");
    const path = join(directory.path, "barnacle.db");
    const database = new DatabaseSync(live); // a copy of an open file is as after `kill -9`
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a); PRAGMA user_version = 77");
    for (const end of ["", "-wal"]) copyFileSync(live + end, path + end);
    database.close();
    const before = [digestOf(path), digestOf(`${path}-wal`)];
    openingFails(path, "newer", "schema 77", `up to ${MIGRATIONS.length}`);
    assert.deepEqual([digestOf(path), digestOf(`${path}-wal`)], before);
  });

  it("[X7] copies the file, for its owner only, before it migrates", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    makeDatabase(path);
    const migrations = [...MIGRATIONS, "CREATE TABLE later (a TEXT) STRICT; DELETE FROM guild"];
    const database = openDatabase(path, NOW, migrations);
    assert.equal(database.prepare("SELECT COUNT(*) AS n FROM guild").get()?.["n"], 0);
    database.close();

    const copy = `${path}.schema${MIGRATIONS.length}-20261120T083000000Z.bak`;
    assert.equal(modeOf(copy), "600");
    const old = new DatabaseSync(copy, { readOnly: true });
    assert.equal(old.prepare("SELECT COUNT(*) AS n FROM guild").get()?.["n"], 50);
    assert.equal(old.prepare("PRAGMA user_version").get()?.["user_version"], MIGRATIONS.length);
    old.close();
  });

  it("[X7] removes the partial backup of a process that died", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    makeDatabase(path);
    const part = `${path}.schema${MIGRATIONS.length}.part`;
    for (const end of ["", "-journal"]) writeFileSync(`${part}${end}`, "half of it");
    openDatabase(path, NOW, [...MIGRATIONS, "SELECT 1"]).close();
    const names = readdirSync(directory.path).filter((name) => name.includes(".schema"));
    assert.deepEqual(names, [`barnacle.db.schema${MIGRATIONS.length}-20261120T083000000Z.bak`]);
  });

  it("[X7] changes nothing if a migration fails, and can be opened again", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    makeDatabase(path);
    const migrations = [...MIGRATIONS, "CREATE TABLE later (a TEXT) STRICT; NONSENSE"];
    assert.throws(() => openDatabase(path, NOW, migrations), /NONSENSE/);
    const database = openDatabase(path, NOW);
    assert.equal(
      database.prepare("SELECT COUNT(*) AS n FROM sqlite_schema WHERE name = 'later'").get()?.["n"],
      0,
    );
    database.close();
  });

  const isRoot = process.geteuid?.() === 0;
  it(
    "[X2] creates no database in a directory without write permission",
    skipUnless(!isRoot, "root can write to a read-only directory"),
    () => {
      using directory = tempDirectory();
      chmodSync(directory.path, 0o500);
      openingFails(join(directory.path, "barnacle.db"), "unwritable");
      chmodSync(directory.path, 0o700);
      assert.equal(existsSync(join(directory.path, "barnacle.db")), false);
    },
  );
});
