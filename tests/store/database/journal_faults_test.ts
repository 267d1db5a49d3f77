import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { createCommits } from "../../../src/store/database/commits.ts";
import { UNNAMED } from "../../../src/store/database/durability.ts";
import {
  JOURNAL_PLACES,
  prepareCutJournal,
  prepareJournal,
} from "../../../src/store/database/journal.ts";
import { JOURNAL } from "../../support/store/open_database.ts";
import { StoreError } from "../../../src/store/database/store_error.ts";

const TABLES = ["note", "journal", "journal_done", "journal_refused"];
const FULL = "database or disk is full";

function openRing() {
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE TABLE note (text TEXT NOT NULL UNIQUE) STRICT; ${JOURNAL}`);
  return database;
}

const dump = (database: DatabaseSync) =>
  TABLES.map((name) =>
    database.prepare(`SELECT * FROM ${name}`).all().map((row) => Object.values(row).join(" "))
  );

/** Makes the disk full for the writes that the test chooses, by their number. */
function fillDisk(database: DatabaseSync, isFull: (write: number) => boolean, undoesAll: boolean) {
  let writes = 0;
  const prepare = database.prepare.bind(database);
  database.prepare = (sql) => {
    const statement = prepare(sql);
    if (!/^\s*(INSERT|UPDATE|DELETE|COMMIT)/.test(sql)) return statement;
    const run = statement.run.bind(statement);
    statement.run = (...parameters: readonly unknown[]) => {
      if (!isFull(++writes)) return Reflect.apply(run, statement, parameters);
      if (undoesAll && database.isTransaction) database.exec("ROLLBACK");
      throw new Error(FULL);
    };
    return statement;
  };
  return () => writes;
}

/** Commits whose timers the test runs, with a kind of record that refuses the text "bad". */
function openCommits(database: DatabaseSync) {
  const groups: (() => void)[] = [];
  const commits = createCommits(database, {
    path: "/data/notes.db",
    crash: { before() {}, after() {} },
    onUndone() {},
    onRefused() {},
    soon: (run) => void groups.push(run),
    schedule: () => () => {},
  });
  const insert = database.prepare("INSERT INTO note VALUES (?)");
  const notes = commits.journaled<string>("note", (text) => {
    if (text === "bad") throw new RangeError("no");
    insert.run(text);
  });
  const cut = prepareCutJournal(database);
  cut(0);
  /** Appends as one group. */
  const append = async (...texts: readonly string[]) => {
    const stored = Promise.all(texts.map((text) => notes.append(UNNAMED, text)));
    stored.catch(() => {});
    for (const run of groups.splice(0)) run();
    await stored;
  };
  return { commits, append, cut };
}

describe("[X2] a full disk at a write of the ring", () => {
  /** One use of each write. The tables refuse "bad". */
  async function play(isFull: (write: number) => boolean, undoesAll: boolean) {
    const database = openRing();
    const writes = fillDisk(database, isFull, undoesAll);
    const { commits, append, cut } = openCommits(database);
    let failures = 0;
    /** Tries again once there is room. */
    const insist = async (work: () => unknown) => {
      const before = dump(database);
      try {
        await work();
      } catch (error) {
        failures++;
        assert.match(String(error), new RegExp(FULL));
        assert.deepEqual(dump(database), before, "the file is as before");
        await work();
      }
    };
    await insist(() => append("one"));
    await insist(() => append("two", "bad", "three"));
    await insist(() => commits.catchUp());
    await insist(() => append("four"));
    await insist(() => Promise.all([commits.commit(UNNAMED, () => {}), append("five", "six")]));
    await insist(() => cut(3_600_000));
    await insist(() => commits.catchUp());
    await insist(() => append("seven"));
    return { dump: dump(database), writes: writes(), failures };
  }

  it("leaves file and state as before, and later writes succeed", async () => {
    const calm = await play(() => false, false);
    assert.deepEqual(calm.dump[0], ["one", "two", "three", "four", "five", "six"]);
    assert.equal(calm.dump[0]?.at(-1), "six", "the last one is in the ring only");
    assert.deepEqual(calm.dump.slice(1), [['6 6 note "seven"'], ["1 5"], ['1 note "bad"']]);
    for (const undoesAll of [false, true]) {
      for (let full = 1; full <= calm.writes; full++) {
        const { dump, failures } = await play((write) => write === full, undoesAll);
        assert.deepEqual(dump, calm.dump, `write ${full}`);
        assert.equal(failures, 1, `write ${full}`);
      }
    }
  });

  it("uses up no places, for any number of tries", async () => {
    const database = openRing();
    let isFull = false;
    fillDisk(database, () => isFull, false);
    const { append, commits } = openCommits(database);
    const texts = Array.from({ length: 90 }, (_, index) => String(index));
    for (const text of texts) await append(text);
    isFull = true;
    for (let time = 0; time < JOURNAL_PLACES / 2; time++) {
      await assert.rejects(
        append("more"),
        (error: unknown) => error instanceof StoreError && error.kind === "full",
      );
    }
    isFull = false;
    await append("more");
    commits.catchUp();
    assert.deepEqual(dump(database)[0], [...texts, "more"]);
  });

  it("is the same for SQLite's own error, with rows that need pages", async () => {
    const database = openRing();
    const { append, commits } = openCommits(database);
    const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    await append("one");
    const before = dump(database);
    const large = "x".repeat(100_000);
    limit(1); // none more than now
    await assert.rejects(append(large), StoreError);
    await assert.rejects(append("two", large), StoreError);
    assert.deepEqual(dump(database), before);
    limit(1_000);
    await append("two", large);
    limit(1);
    const stored = dump(database);
    assert.throws(() => commits.catchUp(), new RegExp(FULL));
    assert.deepEqual(dump(database), stored);
    limit(1_000);
    commits.catchUp();
    assert.deepEqual(dump(database)[0], ["one", "two", large]);
    assert.deepEqual(dump(database)[2], ["1 3"]);
  });

  it("refuses no record for it, even if SQLite undoes only one statement", async () => {
    const database = openRing();
    const refused: unknown[] = [];
    const groups: (() => void)[] = [];
    const commits = createCommits(database, {
      path: "/data/notes.db",
      crash: { before() {}, after() {} },
      onUndone() {},
      onRefused: (...what) => void refused.push(what),
      soon: (run) => void groups.push(run),
      schedule: () => () => {},
    });
    const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    // Of several rows, so SQLite can undo the statement alone.
    const insert = database.prepare(
      "INSERT INTO note SELECT value || ? FROM json_each('[1, 2, 3]')",
    );
    const large = "x".repeat(10_000);
    const notes = commits.journaled<string>("note", (text) => void insert.run(text + large));
    const stored = notes.append(UNNAMED, "one");
    groups.shift()?.();
    await stored;
    notes.later(UNNAMED, "two");
    limit(1);
    const before = dump(database);
    for (let time = 0; time < 2; time++) {
      assert.throws(() => commits.catchUp(), new RegExp(FULL));
      assert.deepEqual(dump(database), before);
    }
    limit(1_000);
    commits.catchUp();
    assert.equal(dump(database)[0]?.length, 6);
    assert.deepEqual(dump(database)[3], []);
    assert.deepEqual(refused, []);
  });
});

describe("[D1] a ring with its watermark in the middle", () => {
  const row = (number: number) => ({ kind: "note", record: String(number) });
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);

  for (const done of [1, 63, 64, 65, JOURNAL_PLACES - 1]) {
    for (const restarts of [false, true]) {
      it(`wraps around at ${done}${restarts ? " after a start" : ""}`, () => {
        const database = openRing();
        let journal = prepareJournal(database);
        for (const n of range(1, JOURNAL_PLACES)) journal.append(row(n), 1);
        journal.done(done);
        if (restarts) journal = prepareJournal(database);
        const last = JOURNAL_PLACES + done;
        for (const n of range(JOURNAL_PLACES + 1, last)) {
          assert.equal(journal.append(row(n), done + 1), n);
        }
        assert.deepEqual(journal.tail().map(({ number }) => number), range(done + 1, last));
        assert.deepEqual(journal.tail().map(({ record }) => Number(record)), range(done + 1, last));
        const before = dump(database);
        assert.throws(() => journal.append(row(0), done + 1), RangeError);
        assert.deepEqual(dump(database), before, "no record that the tables lack is lost");

        const cut = prepareCutJournal(database);
        cut(0);
        cut(3_600_000);
        assert.deepEqual(dump(database), before, "the tables lack them all");
        journal.done(last - 1);
        cut(7_200_000);
        assert.deepEqual(journal.tail().map(({ number }) => number), [last]);
        assert.equal(dump(database)[1]?.length, 1);
        assert.equal(prepareJournal(database).append(row(0), last), last + 1);
      });
    }
  }
});
