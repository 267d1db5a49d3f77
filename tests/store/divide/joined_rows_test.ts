import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openDatabase } from "../../../src/store/database/database.ts";
import { StoreError } from "../../../src/store/database/store_error.ts";
import { joinParts } from "../../../src/store/divide/join_parts.ts";
import { openStore } from "../../support/store/open_database.ts";
import { insertRow, type RowValues } from "../../support/store/rows.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);

type Rows = Readonly<Record<string, readonly RowValues[]>>;

/** Joins partitions with these rows, and gives the reader of the new store. */
function joined(...parts: readonly Rows[]) {
  const folder = tempDirectory();
  const paths = parts.map((rows, index) => {
    const path = join(folder.path, `${index}.db`);
    const database = openDatabase(path, NOW);
    for (const [table, values] of Object.entries(rows)) {
      for (const row of values) insertRow(database, table, { account_id: "a", ...row });
    }
    database.close();
    return path;
  });
  const to = join(folder.path, "joined.db");
  try {
    joinParts(paths, to, NOW);
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
  const database = new DatabaseSync(to);
  return {
    path: to,
    read: (sql: string) => database.prepare(sql).all().map((row) => Object.values(row).join(" ")),
    [Symbol.dispose]() {
      database.close();
      folder[Symbol.dispose]();
    },
  };
}

const outbox = (values: RowValues) => ({ state: "sent", action: "post", ...values });

describe("[O16] joined partitions", () => {
  it("have equal numbers of different rows apart, in the order of time", () => {
    using all = joined({
      outbox: [
        outbox({ id: 1, nonce: "a", created_at: 1 }),
        outbox({ id: 2, nonce: "b", created_at: 5, folded_into: 1 }),
      ],
      outbox_file: [{ outbox_row: 2, name: "of b" }],
      question: [{ id: 1, call_key: "q0", code: "q0", state: "open", created_at: 9 }],
      question_card: [{ id: 1, question_row: 1, nonce: "card of q0" }],
    }, {
      outbox: [
        outbox({ id: 1, nonce: "c", created_at: 2 }),
        outbox({ id: 2, nonce: "d", created_at: 3, folded_into: 1 }),
      ],
      outbox_file: [{ outbox_row: 2, name: "of d" }],
      question: [{ id: 1, call_key: "q1", code: "q1", state: "open", created_at: 8 }],
      question_card: [{ id: 1, question_row: 1, nonce: "card of q1" }],
    });
    assert.deepEqual(all.read("SELECT nonce FROM outbox ORDER BY id"), ["a", "c", "d", "b"]);
    assert.deepEqual(
      all.read(
        `SELECT o.nonce, i.nonce AS into_nonce FROM outbox AS o JOIN outbox AS i ON i.id = o.folded_into
        ORDER BY o.id`,
      ),
      ["d c", "b a"],
    );
    assert.deepEqual(
      all.read(`SELECT o.nonce, f.name FROM outbox AS o JOIN outbox_file AS f ON f.outbox_row = o.id
        ORDER BY o.id`),
      ["d of d", "b of b"],
    );
    assert.deepEqual(
      all.read(`SELECT q.code, c.nonce FROM question AS q JOIN question_card AS c
        ON c.question_row = q.id ORDER BY q.id`),
      ["q1 card of q1", "q0 card of q0"],
    );
  });

  it("keep the order of each partition, also of a clock that went back", () => {
    using all = joined(
      { entry: [{ role: "user", text: "first", at: 9 }, { role: "user", text: "then", at: 3 }] },
      { entry: [{ role: "user", text: "other", at: 5 }] },
    );
    assert.deepEqual(all.read("SELECT text FROM entry ORDER BY id"), ["other", "first", "then"]);
  });

  it("begin a range at the entries that are left, and end it there", () => {
    using all = joined({}, {
      entry: [4, 5, 8].map((id) => ({ id, role: "user", at: id, text: `${id}` })),
      checkpoint: [
        { kind: "reset", first_entry: 1, last_entry: 3 },
        { kind: "reset", first_entry: 3, last_entry: 6 },
        { kind: "reset", first_entry: 9, last_entry: 10 },
      ],
    });
    assert.deepEqual(all.read("SELECT first_entry, last_entry FROM checkpoint ORDER BY id"), [
      "1 0",
      "1 2",
      "4 3",
    ]);
  });

  it("keep the numbers of schedules, notes and changes, and never give them again", () => {
    const schedule = (id: number) => ({ id, call_key: `s${id}`, kind: "task", paused_by: null });
    using all = joined(
      { schedule: [schedule(2), schedule(40)], schedule_run: [{ schedule_row: 40 }] },
      {
        schedule: [schedule(41)],
        discord_change: [{ id: 7 }],
        sqlite_sequence: [{ name: "note", seq: 90 }], // its rows are deleted
      },
    );
    assert.deepEqual(all.read("SELECT id FROM schedule ORDER BY id"), ["2", "40", "41"]);
    assert.deepEqual(all.read("SELECT schedule_row FROM schedule_run"), ["40"]);
    assert.deepEqual(
      all.read(`SELECT name, seq FROM sqlite_sequence
        WHERE name IN ('note', 'schedule', 'discord_change') ORDER BY name`),
      ["discord_change 7", "note 90", "schedule 41"],
    );
  });

  it("have one policy for one hash, which all their verdicts name", () => {
    const fact = { verdict: "accept", facts: "{}" };
    using all = joined({
      policy: [{ id: 1, hash: "old", used_at: 1 }, { id: 2, hash: "new", used_at: 2 }],
      fact: [{ id: 1, policy_row: 2, why: "here", ...fact }],
    }, {
      policy: [{ id: 1, hash: "new", used_at: 9 }],
      fact: [{ id: 1, policy_row: 1, why: "there", ...fact }, { id: 2, policy_row: 5, ...fact }],
      verdict_block: [{ id: 1, count: 3, verdicts: '[["11",1],null,["12",0]]', at: 4 }],
    });
    assert.deepEqual(
      all.read(`SELECT f.why, p.hash, p.used_at FROM fact AS f LEFT JOIN policy AS p
        ON p.id = f.policy_row ORDER BY f.id`),
      ["here new 9", "there new 9", "x  "],
    );
    assert.deepEqual(all.read("SELECT id, message_id, why FROM decision"), ["1 11 there"]);
    assert.deepEqual(all.read("SELECT count, verdicts FROM verdict_block"), [
      '2 [["11",2],["12",0]]',
    ]);
    assert.deepEqual(all.read("SELECT DISTINCT generation FROM fact"), ["1"]);
  });

  it("add up what each of them counts, and count once what goes round", () => {
    const use = (values: RowValues) => ({ day: 1, user_id: "", guild_id: "", ...values });
    const minute = (at: number, accepted: number) => ({ span: 60, place: 3, at, accepted });
    using all = joined({
      usage: [
        use({ channel_id: "", requests: 2, audio_sec: 0.5 }),
        use({ channel_id: "7", requests: 4 }),
      ],
      trend: [{ ...minute(60, 2), answers: 1, median_ms: 100, slowest_ms: 700 }],
      invalid_request: [{ minute: 1, count: 2 }],
    }, {
      usage: [
        use({ channel_id: "", requests: 3, audio_sec: 0.25 }),
        use({ channel_id: "7", requests: 4 }),
      ],
      trend: [{ ...minute(60, 5), answers: 3, median_ms: 200, slowest_ms: 500 }],
      invalid_request: [{ minute: 1, count: 3 }],
    }, { trend: [minute(0, 50)] });
    assert.deepEqual(all.read("SELECT channel_id, requests, audio_sec FROM usage ORDER BY 1"), [
      " 5 0.75",
      "7 4 0",
    ]);
    assert.deepEqual(
      all.read("SELECT at, accepted, answers, median_ms, slowest_ms FROM trend"),
      ["60 7 4 175 700"],
    );
    assert.deepEqual(all.read("SELECT count FROM invalid_request"), ["5"]);
  });

  it("take the later one of two rows", () => {
    const feed = (values: RowValues) => ({ name: "news", ...values });
    using all = joined({
      setting: [
        { scope: "s", name: "model", value: "new", at: 9 },
        { scope: "t", name: "model", value: "old", at: 1 },
      ],
      feed: [feed({ id: 4, read_at: 1, etag: "old" })],
      feed_entry: [{ feed_row: 4, entry_key: "one", seen_at: 1 }],
      account: [{ gateway_url: "old", gateway_url_at: 1, ready_at: 8, username: "new" }],
      run: [{ run_id: "r", started_at: 5, alive_at: 6 }, { run_id: "s", started_at: 2 }],
      identify: [{ shard_id: 0, at: 4 }, { shard_id: 1, at: 7 }],
    }, {
      setting: [
        { scope: "s", name: "model", value: "old", at: 3 },
        { scope: "t", name: "model", value: "newer", at: 2 },
      ],
      feed: [feed({ id: 1, read_at: 5, etag: "new" })],
      feed_entry: [1, 2].map((at) => ({
        feed_row: 1,
        entry_key: at === 1 ? "one" : "two",
        seen_at: 3,
      })),
      account: [{ gateway_url: "new", gateway_url_at: 2, ready_at: 7, username: "old" }],
      run: [{ run_id: "r", started_at: 5, alive_at: 8, ending: "stopped" }],
      identify: [{ shard_id: 0, at: 4 }, { shard_id: 1, at: 5 }],
    });
    assert.deepEqual(all.read("SELECT value FROM setting"), ["new", "newer"]);
    assert.deepEqual(all.read("SELECT id, etag FROM feed"), ["1 new"]);
    assert.deepEqual(all.read("SELECT feed_row, entry_key, seen_at FROM feed_entry ORDER BY 2"), [
      "1 one 3",
      "1 two 3",
    ]);
    assert.deepEqual(all.read("SELECT gateway_url, username FROM account"), ["new new"]);
    assert.deepEqual(all.read("SELECT run_id, alive_at, ending FROM run ORDER BY id"), [
      "s 0 ",
      "r 8 stopped",
    ]);
    assert.deepEqual(all.read("SELECT shard_id, at FROM identify ORDER BY id"), [
      "0 4",
      "1 5",
      "1 7",
    ]);
  });

  it("[P12] keep the first id of a name, and a right only if all of them have it", () => {
    const name = (found: string) => ({ kind: "user", typed: "ada", found_id: found });
    const rule = (path: string, id: number) => ({ id, path, allowed_by: null });
    using all = joined({
      resolved_name: [name("1")],
      paired: [{ user_id: "1" }, { user_id: "2" }],
      exec_rule: [rule("ls", 5), rule("rm", 6)],
    }, {
      resolved_name: [name("2")],
      paired: [{ user_id: "2" }, { user_id: "3" }],
      exec_rule: [rule("ls", 1)],
    });
    assert.deepEqual(all.read("SELECT found_id FROM resolved_name"), ["1"]);
    assert.deepEqual(all.read("SELECT user_id FROM paired"), ["2"]);
    assert.deepEqual(all.read("SELECT id, path FROM exec_rule"), ["5 ls"]);
  });

  it("[G6] resume no session if they had different numbers of shards", () => {
    const session = (shard: number, alive: number) => ({ shard_id: shard, alive_at: alive });
    const parts = (...counts: readonly [number | null, number | null]) =>
      joined(
        { account: [{ shard_count: counts[0], intents: 7 }], gateway_session: [session(0, 9)] },
        {
          account: [{ shard_count: counts[1], intents: 7 }],
          gateway_session: [session(0, 1), session(1, 2)],
        },
      );
    const count = "SELECT shard_count, intents FROM account";
    using other = parts(2, 3);
    assert.deepEqual(other.read(count), ["-1 7"]);
    assert.deepEqual(other.read("SELECT shard_id, alive_at FROM gateway_session"), ["0 9", "1 2"]);
    using same = parts(2, 2);
    assert.deepEqual(same.read(count), ["2 7"]);
    using fresh = parts(2, null);
    assert.deepEqual(fresh.read(count), ["2 7"]);
  });

  it("[W2] have an event apart that two of them took, and one open incident of a key", () => {
    const event = (id: string) => ({ hook: "h", sender_id: "s", message_id: id });
    const incident = (id: number) => ({ id, hook: "h", key: "k", thread: "none", started_at: id });
    using all = joined(
      { hook_event: [event("1")], hook_incident: [incident(3)] },
      { hook_event: [event("2")], hook_incident: [incident(4)] },
    );
    assert.deepEqual(all.read("SELECT message_id, sender_id FROM hook_event"), ["1 s", "2 "]);
    assert.deepEqual(all.read("SELECT id, ended_at FROM hook_incident"), ["1 ", "2 4"]);
  });

  it("have nonces apart that come from the numbers of their rows", () => {
    const row = outbox({ nonce: "abcdefghijklmnopqrstuvwxy" });
    using all = joined({ outbox: [row] }, { outbox: [row] });
    assert.deepEqual(all.read("SELECT nonce FROM outbox ORDER BY id"), [
      "abcdefghijklmnopqrstuvwxy",
      "abcdefghijklmnopqrstuvw01",
    ]);
  });

  it("find the words of notes, and open as the store of a whole bot", async () => {
    const note = { id: 3, scope: "guild", text: "krill at dawn", call_key: "n" };
    const vector = { note_row: 3, model: "m", dimension: 1 };
    using all = joined(
      { note: [{ ...note, updated_at: 1 }] },
      { note: [{ ...note, updated_at: 2, text: "plankton at dusk" }], note_vector: [vector] },
    );
    assert.deepEqual(all.read("SELECT rowid FROM note_words WHERE note_words MATCH 'plankton'"), [
      "3",
    ]);
    assert.deepEqual(all.read("SELECT rowid FROM note_words WHERE note_words MATCH 'krill'"), []);
    assert.deepEqual(all.read("SELECT note_row FROM note_vector"), ["3"]);
    const store = openStore(all.path, { now: NOW, elapsed: () => 0 });
    assert.deepEqual((await store.gateway.accountIds()).length, 0);
    store.close();
  });

  it("are refused if two of them have the same message, or if work waits in a journal", () => {
    const message = { inbox: [{ message_id: "1", state: "waiting", change: null }] };
    assert.throws(
      () => joined(message, message),
      (error) =>
        error instanceof StoreError &&
        /table inbox that an earlier partition has/.test(error.message),
    );
    const journal = { journal: [{ id: 1, number: 1, kind: "intent", record: "{}" }] };
    assert.throws(() => joined({}, journal), /lack 1 records of its journal/);
  });
});
