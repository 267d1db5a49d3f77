import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { isCurrent, openDatabase } from "../../../src/store/database/database.ts";
import {
  COLUMNS,
  columnsOf,
  migrate,
  MIGRATIONS,
  schemaOf,
} from "../../../src/store/database/migrations.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";
import { createStore } from "../../support/store/open_database.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);
const FIXTURES = join(import.meta.dirname ?? "", "..", "fixtures");

/**
 * Stores as a kill left them: turn 1 is answered and its second part unsent, 2 waits for a person,
 * 3 waits, and 4 has begun.
 */
const EXAMPLES = ["schema_1.sql"];

const LATER = [...MIGRATIONS, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"];

const id = (n: number) => messageId(String(1_400_000_000_000_002_000n + BigInt(n)));
/** Digests of file and log; reading alone makes an empty log. */
const digestOf = (path: string) =>
  ["", "-wal"].map((end) => {
    const bytes = existsSync(path + end) ? readFileSync(path + end) : "";
    return createHash("sha256").update(bytes).digest("hex");
  });

/** Builds the stored example in a file. */
function restore(name: string, path: string, more = ""): void {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF");
  database.exec((MIGRATIONS[0] ?? "") + readFileSync(join(FIXTURES, name), "utf8") + more);
  database.close();
}

const read = (database: DatabaseSync, sql: string) =>
  database.prepare(sql).all().map((row) => Object.values(row).join(" "));

/** Every row of every table; a virtual one keeps its rows in others. */
function dump(database: DatabaseSync): Record<string, readonly unknown[]> {
  const tables = read(
    database,
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name",
  );
  return Object.fromEntries(
    tables.map((name) => [name, read(database, `SELECT * FROM "${name}"`)]),
  );
}

function start(path: string, migrations: readonly string[] = LATER) {
  const database = openDatabase(path, NOW, migrations);
  const store = createStore(database, path, { elapsed: () => 0 });
  return { database, store };
}

/** What each start after the kill finds. */
function assertWhole(database: DatabaseSync): void {
  assert.deepEqual(read(database, "SELECT message_id, state FROM inbox ORDER BY id"), [
    `${id(1)} answered`,
    `${id(2)} waiting`,
    `${id(4)} waiting`,
    `${id(3)} waiting`,
  ]);
  assert.deepEqual(read(database, "SELECT nonce, state FROM outbox ORDER BY id"), [
    "1/0 sent",
    "1/1 pending",
    "card pending",
  ]);
  assert.deepEqual(
    read(database, "SELECT parts ->> '$[0].text' AS text FROM entry ORDER BY id"),
    ["asked 1", "answered 1"],
  );
  assert.deepEqual(
    read(database, "SELECT choice FROM question_control ORDER BY custom_id"),
    ["deny", "once"],
  );
}

for (const example of EXAMPLES) {
  describe(`[X7] the stored store ${example}`, () => {
    it("[D1] loses nothing, and keeps its order", async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      restore(example, path);
      const first = start(path);
      assert.equal(schemaOf(first.database), LATER.length);
      assertWhole(first.database);
      first.store.close();
      const after = digestOf(path);

      const second = start(path);
      assertWhole(second.database);
      second.store.close();
      assert.deepEqual(digestOf(path), after, "a second start writes nothing");
      const backups = readdirSync(directory.path).filter((name) => name.endsWith(".bak"));
      assert.equal(backups.length, 1);
      const backup = new DatabaseSync(join(directory.path, backups[0]!), { readOnly: true });
      assert.equal(schemaOf(backup), 1);
      backup.close();

      const { database, store } = start(path);
      await store.inbox.voidClaims();
      const claimed: unknown[] = [];
      for (;;) {
        const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
        if (!claim) break;
        claimed.push(claim.message.id);
        const end = { kind: "declined" } as const;
        await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
      }
      assert.deepEqual(claimed, [id(4), id(3)], "in order, and not the one with a card");
      const by = { code: "CDEFGHJA" };
      await store.questions.decide({ by, answer: { choice: "once" }, now: NOW - 86_400_000 });
      assert.equal((await store.inbox.claimNext(ACCOUNT, NOW, []))?.message.id, id(2));
      const heads = await store.outbox.heads(ACCOUNT, [channelId("11"), channelId("801")]);
      assert.deepEqual(heads.map(({ message }) => message.nonce).toSorted(), ["1/1", "card"]);
      assert.deepEqual(read(database, "PRAGMA integrity_check"), ["ok"]);
      store.close();
    });

    it("is whole after a kill within the migration, and after one behind it", () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      restore(example, path);
      const copy = (name: string) => {
        const to = join(directory.path, name);
        for (const end of ["", "-wal"]) copyFileSync(path + end, to + end); // as after `kill -9`
        return to;
      };
      const database = new DatabaseSync(path);
      // Each changed page is in the log at once, before the commit.
      database.exec("PRAGMA cache_size = 1; PRAGMA wal_autocheckpoint = 0");
      const before = dump(database);
      const exec = database.exec.bind(database);
      database.exec = (sql) => {
        if (sql === "COMMIT") copy("within.db");
        exec(sql);
        if (sql === "COMMIT") copy("behind.db");
      };
      migrate(database, LATER, () => {});
      database.close();

      const within = new DatabaseSync(join(directory.path, "within.db"));
      assert.equal(schemaOf(within), 1);
      assert.equal(columnsOf(within), COLUMNS[0]);
      assert.deepEqual(dump(within), before);
      within.close();
      for (const name of ["within.db", "behind.db"]) {
        const { database, store } = start(join(directory.path, name));
        assertWhole(database);
        store.close();
      }
    });

    it("is migrated once by two starts at once", () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      restore(example, path);
      const database = new DatabaseSync(path);
      const exec = database.exec.bind(database);
      let isFirst = true;
      database.exec = (sql) => {
        if (isFirst && sql === "BEGIN IMMEDIATE") {
          isFirst = false;
          start(path).store.close(); // the other one is faster
        }
        exec(sql);
      };
      migrate(database, LATER, () => assert.fail("the other one has made the backup"));
      assertWhole(database);
      database.close();
    });
  });
}

describe("[X7] a store whose columns are not those of its number", () => {
  const number = MIGRATIONS.length;
  const cases: readonly (readonly [what: string, change: string])[] = [
    ["lacks a column", "ALTER TABLE inbox DROP COLUMN cost"],
    ["has one more column", "ALTER TABLE run ADD COLUMN more TEXT"],
    ["lacks a table", "DROP TABLE told_budget"],
    ["has one more table", "CREATE TABLE job (id INTEGER) STRICT"],
    ["has another default", "ALTER TABLE run ADD COLUMN more INTEGER DEFAULT 1"],
  ];
  for (const [what, change] of cases) {
    it(`is refused, with nothing changed: ${what}`, () => {
      const sql = [...MIGRATIONS, change].join(";");
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      const database = new DatabaseSync(path);
      database.exec(`PRAGMA journal_mode = WAL; ${sql}; PRAGMA user_version = ${number}`);
      database.close();
      const before = digestOf(path);
      for (const open of [() => openDatabase(path, NOW), () => isCurrent(path)]) {
        assert.throws(open, (error: unknown) => {
          assert.ok(error instanceof StoreError, String(error));
          assert.equal(error.kind, "unwritable");
          assert.match(error.message, new RegExp(`schema ${number}, but .* run that build, or`));
          return true;
        });
      }
      assert.deepEqual(digestOf(path), before);
      assert.deepEqual(readdirSync(directory.path).filter((name) => name.endsWith(".bak")), []);
    });
  }

  it("has a digest for each schema", () => {
    const database = new DatabaseSync(":memory:");
    const digests = MIGRATIONS.map((sql) => (database.exec(sql), columnsOf(database)));
    assert.deepEqual(digests, COLUMNS);
  });
});
