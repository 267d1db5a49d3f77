import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { UNNAMED } from "../../../src/store/database/durability.ts";
import {
  createUngroupedTransactions,
  transact,
  transactNow,
} from "../../../src/store/database/transact.ts";

function openNotes() {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE note (text TEXT NOT NULL) STRICT");
  const add = (text: string) => database.prepare("INSERT INTO note VALUES (?)").run(text);
  const all = () => database.prepare("SELECT text FROM note").all().map((row) => row["text"]);
  return { database, add, all };
}

describe("[D1] transact()", () => {
  it("stores all work, and resolves to its result", async () => {
    const { database, add, all } = openNotes();
    const changes = await transact(database, () => {
      add("one");
      return add("two").changes;
    });
    assert.equal(changes, 1);
    assert.deepEqual(all(), ["one", "two"]);
  });

  it("stores nothing of work that throws, and accepts the next work", async () => {
    const { database, add, all } = openNotes();
    const failing = transact(database, () => {
      add("one");
      throw new RangeError("no two");
    });
    await assert.rejects(failing, RangeError);
    await transact(database, () => add("three"));
    assert.deepEqual(all(), ["three"]);
  });
});

describe("[D1] transactNow()", () => {
  it("throws the error of the work, even after SQLite rolled back by itself", () => {
    const { database, all } = openNotes();
    const work = () => {
      database.exec("ROLLBACK"); // as a full disk makes SQLite do
      throw new RangeError("no room");
    };
    assert.throws(() => transactNow(database, work), RangeError);
    assert.deepEqual(all(), []);
  });
});

describe("[D1] createUngroupedTransactions()", () => {
  it("commits each job by itself, and reads committed data", async () => {
    const { database, add, all } = openNotes();
    const { commit, read } = createUngroupedTransactions(database);
    const jobs = [
      commit(UNNAMED, () => add("one").changes),
      commit(UNNAMED, () => {
        add("two");
        throw new RangeError("no");
      }),
    ];
    assert.equal(await jobs[0], 1);
    await assert.rejects(jobs[1]!, RangeError);
    assert.deepEqual(await read(all), ["one"]);
  });
});
