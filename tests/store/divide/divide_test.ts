import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { openDatabase } from "../../../src/store/database/database.ts";
import { dividePart } from "../../../src/store/divide/divide.ts";
import { MADE_ANEW, placesOf } from "../../../src/store/divide/placing.ts";
import { openStore } from "../../support/store/open_database.ts";
import { insertRow } from "../../support/store/rows.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);
const COUNT = 3;

/** A guild of each partition, and direct messages, which have none. */
const GUILDS = Array.from({ length: COUNT }, (_, index) => String((BigInt(9 + index)) << 22n));

interface Spot {
  /** Number of the partition. */
  readonly part: number;
  readonly guild: string | undefined;
  readonly channel: string;
}

const SPOTS: readonly Spot[] = [
  ...GUILDS.map((guild, part) => ({ part, guild, channel: `10${part}` })),
  { part: 0, guild: undefined, channel: "200" },
];

/** Rows of one place, each with the number of its partition. */
function fill(database: DatabaseSync, { guild, channel, part }: Spot, at: number): void {
  const add = (table: string, values: Readonly<Record<string, string | number | null>>) =>
    insertRow(database, table, { account_id: "a", at, ...values });
  const place = { channel_id: channel, guild_id: guild ?? null };
  const key = `agent:main:discord:${guild ? "channel" : "user"}:${channel}:commands`;
  const message = JSON.stringify({ channelId: channel, ...(guild && { guildId: guild }) });
  const id = `7${at}`;
  if (guild) {
    add("guild", {
      guild_id: guild,
      snapshot: JSON.stringify({ v: 2, channels: [[channel, "name"]] }),
    });
    add("known_channel", { ...place, id: at, parent_id: channel });
    add("known_message", { channel: at, message_id: id, text: "krill" });
    add("setting", { scope: channel, name: "loop", value: "{}" });
    add("answer_thread", { thread_id: `9${channel}`, channel_id: channel, state: "open" });
    add("entry", { channel_id: `9${channel}`, session_key: "t", role: "user" });
  }
  add("inbox", { ...place, message_id: id, session_key: key, message, state: "waiting" });
  add("entry", { channel_id: channel, session_key: key, role: "user", message_id: id });
  add("checkpoint", { session_key: key, kind: "reset" });
  add("step", { message_id: id });
  add("outbox", { id: at, channel_id: channel, nonce: id, state: "pending", action: "post" });
  insertRow(database, "outbox_file", { account_id: "a", outbox_row: at });
  add("fact", { id: at, channel_id: channel, facts: message });
  add("question", { ...place, id: at, call_key: id, code: id, state: "open" });
  add("question_card", { id: at, question_row: at, channel_id: "dm" });
  add("question_control", { custom_id: id, card_row: at });
  add("question_cover", { call_key: id, question_row: at });
  add("schedule", { id: at, call_key: id, kind: "task", origin: message });
  add("schedule_run", { schedule_row: at, message_id: id });
  add("note", { agent_id: "main", scope: "guild", space: `guild:${guild}`, call_key: id });
  add("gateway_session", { shard_id: at, alive_at: part });
}

/** The old store, with rows of all places. */
function oldStore(path: string, shardCount: number): void {
  const database = openDatabase(path, NOW);
  insertRow(database, "account", { account_id: "a", shard_count: shardCount });
  for (const [at, spot] of SPOTS.entries()) fill(database, spot, at + 1);
  const verdicts = [...SPOTS.map((_, at) => [`7${at + 1}`, at + 1]), null, ["79", 0]];
  insertRow(database, "verdict_block", {
    id: 1,
    count: verdicts.length,
    account_id: "a",
    verdicts: JSON.stringify(verdicts),
  });
  database.close();
}

const read = (database: DatabaseSync, sql: string) =>
  database.prepare(sql).all().map((row) => Object.values(row).join(" "));

/** Divides the store in a folder, and shows each part. */
function divided(folder: string, shardCount = COUNT): readonly DatabaseSync[] {
  const path = join(folder, "old.db");
  oldStore(path, shardCount);
  return Array.from({ length: COUNT }, (_, index) => {
    const to = join(folder, `${index}.db`);
    dividePart(path, to, { index, count: COUNT }, NOW);
    return new DatabaseSync(to);
  });
}

/** Ends of ids of each place, which rows are named by. */
const OF_PARTS = [["1", "4"], ["2"], ["3"]];
const endsOf = (texts: readonly string[]) => texts.map((text) => text.slice(-1)).sort();

describe("a store that is divided", () => {
  const folder = tempDirectory();
  let parts: readonly DatabaseSync[] = [];
  before(() => void (parts = divided(folder.path)));
  after(() => {
    for (const part of parts) part.close();
    folder[Symbol.dispose]();
  });

  it("[O16] gives each partition the rows of its guilds, and the first one direct messages", () => {
    for (const [index, part] of parts.entries()) {
      const ends = OF_PARTS[index];
      for (
        const sql of [
          "SELECT message_id FROM inbox",
          "SELECT message_id FROM entry WHERE session_key <> 't'",
          "SELECT at FROM checkpoint",
          "SELECT message_id FROM step",
          "SELECT nonce FROM outbox",
          "SELECT outbox_row FROM outbox_file",
          "SELECT id FROM fact",
          "SELECT call_key FROM question",
          "SELECT question_row FROM question_card",
          "SELECT custom_id FROM question_control",
          "SELECT call_key FROM question_cover",
          "SELECT call_key FROM schedule",
          "SELECT message_id FROM schedule_run",
        ]
      ) assert.deepEqual(endsOf(read(part, sql)), ends, `${index}: ${sql}`);
      const guild = [`10${index}`];
      assert.deepEqual(read(part, "SELECT guild_id FROM guild"), [GUILDS[index]]);
      assert.deepEqual(read(part, "SELECT channel_id FROM known_channel"), guild);
      assert.equal(read(part, "SELECT text FROM known_message").length, 1);
      assert.deepEqual(read(part, "SELECT scope FROM setting"), guild);
      assert.deepEqual(read(part, "SELECT channel_id FROM entry WHERE session_key = 't'"), [
        `910${index}`,
      ]);
      assert.equal(read(part, "SELECT id FROM note").length, SPOTS.length);
      assert.equal(read(part, "SELECT rowid FROM note_words WHERE note_words MATCH 'x'").length, 4);
    }
  });

  it("[O16] takes blocks of verdicts apart, and keeps the numbers of the verdicts", () => {
    assert.deepEqual(
      parts.map((part) => read(part, "SELECT id, message_id FROM decision ORDER BY id")),
      [["1 71", "4 74"], ["2 72"], ["3 73"]],
    );
    const own =
      "SELECT COUNT(*) FROM verdict_block, json_each(verdicts) AS v WHERE v.type = 'array'";
    assert.deepEqual(parts.map((part) => read(part, own)), [["3"], ["2"], ["2"]]);
    for (const part of parts) {
      const [text = ""] = read(part, "SELECT verdicts FROM verdict_block");
      assert.match(text, /\["79",0\]\]$/, "a forgotten author's, so that it is not judged again");
    }
  });

  it("[O16] keeps sessions that can go on, and else all of them for the gaps", () => {
    const sessions = (stores: readonly DatabaseSync[]) =>
      stores.map((store) => read(store, "SELECT shard_id FROM gateway_session").length);
    assert.deepEqual(sessions(parts), [1, 2, 1]);
    using other = tempDirectory();
    const ofOtherCount = divided(other.path, COUNT + 1);
    assert.deepEqual(sessions(ofOtherCount), [4, 4, 4]);
    for (const part of ofOtherCount) part.close();
  });

  it("[O16] opens as a store, which goes on with the numbers of the old one", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "old.db");
    oldStore(path, 1);
    const to = join(folder.path, "1.db");
    dividePart(path, to, { index: 1, count: COUNT }, NOW);
    const store = openStore(to, {
      now: NOW,
      elapsed: () => 0,
      partition: { index: 1, count: COUNT },
    });
    store.close();
    const database = new DatabaseSync(to);
    const [number] = read(database, "SELECT seq FROM sqlite_sequence WHERE name = 'schedule'");
    assert.equal(number, "4");
    database.close();
  });

  it("[O16] is refused while its journal has records that its tables lack", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "old.db");
    oldStore(path, 1);
    const database = new DatabaseSync(path);
    database.exec("INSERT INTO journal VALUES (1, 1, 'intent', '{}')");
    database.close();
    const divide = () =>
      dividePart(path, join(folder.path, "0.db"), { index: 0, count: COUNT }, NOW);
    assert.throws(divide, /lack 1 records of its journal/);
  });

  it("[O16] has a place for the rows of each table", () => {
    using folder = tempDirectory();
    const database = openDatabase(join(folder.path, "new.db"), NOW);
    const tables = read(
      database,
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    ).filter((name) => !/_words/.test(name) && !MADE_ANEW.includes(name));
    database.close();
    assert.deepEqual(Object.keys(placesOf(COUNT)).sort(), tables.sort());
  });
});
