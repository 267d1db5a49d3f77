import assert from "node:assert/strict";
import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import {
  COMMIT_OPTIONS,
  type CommitOptions,
  createCommits,
  UNNAMED,
} from "../../../src/store/database/commits.ts";
import { StoreError } from "../../../src/store/database/database_files.ts";

it("[D2] COMMIT_OPTIONS › waits for the disk if nothing would restore the work", () => {
  const full = Object.entries(COMMIT_OPTIONS).filter(([, { durability }]) => durability === "full");
  assert.deepEqual(full.map(([key]) => key), [
    "T0",
    "FIRST_DM",
    "TS_BEGUN",
    "T4",
    "BY_HAND",
    "IDENTIFY",
    "PROBE",
  ]);
});

/** Notes in a database that records every statement for SQLite. */
function openNotes(deps: Parameters<typeof createCommits>[2] = {}) {
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE TABLE note (text TEXT NOT NULL UNIQUE) STRICT`);
  const insert = database.prepare("INSERT INTO note VALUES (?)");
  const events: string[] = [];
  const exec = database.exec.bind(database);
  database.exec = (sql) => {
    events.push(sql);
    exec(sql);
  };
  const groups: (() => void)[] = [];
  const all = () => database.prepare("SELECT text FROM note").all().map((row) => row["text"]);
  const commits = createCommits(database, "/data/notes.db", {
    crash: (when, name) =>
      void events.push(`${when} ${name}, ${database.isTransaction ? "open" : "closed"}`),
    onUndone: () => events.push("undone"),
    soon: (run) => groups.push(run),
    ...deps,
  });
  const add = (text: string, options: CommitOptions = UNNAMED) =>
    commits.commit(options, () => insert.run(text).changes);
  return { database, commits, events, groups, add, all };
}

/** The outcomes of all jobs, as statuses. */
async function outcomes(promises: readonly Promise<unknown>[]): Promise<readonly string[]> {
  return (await Promise.allSettled(promises)).map(({ status }) => status);
}

describe("createCommits()", () => {
  it("[D1] reports undone work before any other work begins", async () => {
    const events: string[] = [];
    const { commits, groups } = openNotes({
      onUndone: () => events.push("undone"),
      crash() {
        throw new Error("the disk is gone");
      },
    });
    const work = (name: string, isDone: boolean, options = UNNAMED) =>
      commits.commit(options, () => {
        events.push(name);
        if (!isDone) throw new RangeError("no");
      });
    const jobs = [work("one", true), work("two", false), work("three", true)];
    groups[0]!();
    jobs.push(work("four", true, COMMIT_OPTIONS.T1));
    groups[1]!();
    jobs.push(work("five", true));
    groups[2]!();
    await outcomes(jobs);
    // The group runs again, and then only the throwing job is undone.
    const again = ["one", "two", "undone", "three", "four", "undone", "five"];
    assert.deepEqual(events, ["one", "two", "undone", ...again]);
  });

  it("[D1] stores exactly the work of the jobs that resolve, for any group", async () => {
    const word = fc.constantFrom("a", "b", "c", "d");
    const property = fc.asyncProperty(
      fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { maxLength: 8 }),
      async (jobs) => {
        const { database, commits, all, groups } = openNotes();
        const insert = database.prepare("INSERT INTO note VALUES (?)");
        const promises = jobs.map((words) =>
          commits.commit(UNNAMED, () => {
            for (const text of words) insert.run(text); // a duplicate word throws
          })
        );
        for (const run of groups) run();
        const statuses = await outcomes(promises);
        const expected = jobs.filter((_, index) => statuses[index] === "fulfilled").flat();
        assert.deepEqual(all(), expected);
        for (const [index, words] of jobs.entries()) {
          const before = jobs.slice(0, index).filter((_, at) => statuses[at] === "fulfilled")
            .flat();
          const isNew = new Set([...before, ...words]).size === before.length + words.length;
          assert.equal(statuses[index] === "fulfilled", isNew);
        }
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  it("[D2] calls the crash hooks of stored transactions in order, around the commit", async () => {
    const { commits, add, events, groups } = openNotes();
    const failing = commits.commit(COMMIT_OPTIONS.T3, () => {
      throw new RangeError("no");
    });
    const jobs = [
      add("one", COMMIT_OPTIONS.T1),
      failing,
      add("two"),
      add("three", COMMIT_OPTIONS.T4),
    ];
    groups[0]!();
    await outcomes(jobs);
    assert.deepEqual(events.filter((event) => /^(before|after)/.test(event)), [
      "before T1, open",
      "before T4, open",
      "after T1, closed",
      "after T4, closed",
    ]);
  });

  it("[D2] stores nothing of a group if the process dies before the commit", async () => {
    const { add, all, groups } = openNotes({
      crash() {
        throw new Error("killed");
      },
    });
    const jobs = [add("one", COMMIT_OPTIONS.T1), add("two")];
    groups[0]!();
    assert.deepEqual(await outcomes(jobs), ["rejected", "rejected"]);
    assert.deepEqual(all(), []);
  });

  const NORMAL = COMMIT_OPTIONS.T2;
  const FULL = COMMIT_OPTIONS.T4;
  const DURABILITIES: readonly (readonly [
    name: string,
    groups: readonly (readonly CommitOptions[])[],
    expected: readonly string[],
  ])[] = [
    ["the strongest of a group", [[NORMAL, FULL, NORMAL]], ["full"]],
    ["normal if all are", [[NORMAL, NORMAL]], ["normal"]],
    ["only changes", [[FULL], [FULL], [NORMAL], [NORMAL], [FULL]], ["full", "normal", "full"]],
  ];
  for (const [name, given, expected] of DURABILITIES) {
    it(`[D1] commits with the requested durability: ${name}`, async () => {
      const { database, commits, events, groups } = openNotes();
      for (const group of given) {
        const jobs = group.map((options) =>
          commits.commit(
            options,
            () => database.prepare("PRAGMA synchronous").get()?.["synchronous"],
          )
        );
        groups.pop()!();
        const isFull = group.some(({ durability }) => durability === "full");
        for (const set of await Promise.all(jobs)) assert.equal(set, isFull ? 2 : 1);
      }
      assert.deepEqual(
        events.filter((event) => event.startsWith("PRAGMA")),
        expected.map((durability) => `PRAGMA synchronous = ${durability}`),
      );
    });
  }

  it("[X2] rejects with `full` on a full disk, and continues once there is room", async () => {
    const { database, add, all, groups } = openNotes();
    const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    limit(10);
    const jobs = [add("one"), add("x".repeat(100_000)), add("two")];
    groups[0]!();
    const [, reason] = await Promise.allSettled(jobs);
    assert.ok(reason?.status === "rejected" && reason.reason instanceof StoreError);
    assert.equal(reason.reason.kind, "full");
    assert.ok(reason.reason.message.includes("/data/notes.db"));
    const statuses = await outcomes(jobs);
    assert.deepEqual(
      all(),
      ["one", "two"].filter((_, index) => statuses[index * 2] === "fulfilled"),
    );

    limit(1_000);
    const later = add("three");
    groups[1]!();
    await later;
    assert.ok(all().includes("three"));
  });

  it("[X2] fails all jobs of a group if SQLite rolls the transaction back", async () => {
    const { database, commits, add, all, groups } = openNotes();
    const jobs = [
      add("one"),
      commits.commit(UNNAMED, () => {
        database.exec("ROLLBACK"); // as SQLite does by itself after some failures
        throw new Error("disk I/O error");
      }),
      add("two"),
    ];
    groups[0]!();
    for (const job of jobs) {
      await assert.rejects(
        job,
        (error: unknown) => error instanceof StoreError && error.kind === "unavailable",
      );
    }
    assert.deepEqual(all(), []);
    const later = add("three");
    groups[1]!();
    await later;
    assert.deepEqual(all(), ["three"]);
  });

  it("[X2] rejects a failed read with the kind of the failure", async () => {
    const { commits } = openNotes();
    const failing = commits.read(() => {
      throw new Error("database disk image is malformed");
    });
    await assert.rejects(
      failing,
      (error: unknown) => error instanceof StoreError && error.kind === "damaged",
    );
    assert.equal(await commits.read(() => 1), 1);
  });

  it("[X2] tells which writes the disk refused, and which reads found damage", async () => {
    const failed: string[] = [];
    const { commits, add } = openNotes({
      soon: setImmediate,
      onFailed: (kind) => failed.push(kind),
    });
    const throwing = (text: string) => () => {
      throw new Error(text);
    };
    await add("one");
    await assert.rejects(add("one"), /UNIQUE/);
    await assert.rejects(commits.read(throwing("database is locked")));
    assert.deepEqual(failed, []);
    await assert.rejects(commits.commit(UNNAMED, throwing("database or disk is full")));
    await assert.rejects(commits.read(throwing("database disk image is malformed")));
    assert.deepEqual(failed, ["full", "damaged"]);
  });
});
