import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openDatabase } from "../../../src/store/database/database.ts";
import { dividePart } from "../../../src/store/divide/divide.ts";
import { joinParts } from "../../../src/store/divide/join_parts.ts";
import { joiningsOf, KEPT_REFERENCES } from "../../../src/store/divide/joining.ts";
import { ALL, MADE_ANEW, placesOf } from "../../../src/store/divide/placing.ts";
import { cases } from "../../support/long_form.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { insertRow, type RowValues } from "../../support/store/rows.ts";
import { canonical } from "../../support/store/same_rows.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 2);
const ACCOUNT = "a";

/** A place of the bot: a channel of a guild, or direct messages. */
interface Spot {
  readonly guild: string | undefined;
  readonly channel: string;
}

/** Guilds of all partitions, each with a channel, and a direct channel. */
const spotsOf = (count: number): readonly Spot[] => [
  ...Array.from({ length: count }, (_, index) => ({
    guild: String(BigInt(count * 3 + index) << 22n),
    channel: `${500 + index}`,
  })),
  { guild: undefined, channel: "900" },
];

/** The partition of a spot: its place in the list. */
const partOf = (spots: readonly Spot[], spot: Spot): number =>
  spot.guild === undefined ? 0 : spots.indexOf(spot);

/** The clock of a store: each row has a time of its own. */
function createFiller(dice: Seeded) {
  let at = NOW - 10_000_000;
  let name = 1_000;

  /**
   * Rows of one place, of all tables that have such rows.
   *
   * @param isFirst Whether a message may be deleted, which belongs to no guild any more.
   */
  function addTurn(database: DatabaseSync, { guild, channel }: Spot, isFirst = false): void {
    const now = at += 1 + dice.upTo(50);
    const id = String((BigInt(now) << 22n) + BigInt(name++));
    const numberBy = (sql: string) => Number(database.prepare(sql).get()?.["id"] ?? 0);
    const inChannel = `SELECT max(id) AS id FROM outbox WHERE channel_id = '${channel}'`;
    const add = (table: string, values: RowValues = {}): number => {
      insertRow(database, table, {
        account_id: ACCOUNT,
        channel_id: channel,
        guild_id: guild ?? null,
        message_id: id,
        user_id: `u${dice.upTo(3)}`,
        call_key: `${id}:${table}`,
        at: now,
        accepted_at: now,
        created_at: now,
        started_at: now,
        received_at: now,
        kept_at: now,
        made_at: now,
        ...values,
      });
      return numberBy("SELECT last_insert_rowid() AS id");
    };
    const session = `agent:main:discord:${guild ? "channel" : "user"}:${channel}:commands`;
    const message = JSON.stringify({ channelId: channel, ...(guild && { guildId: guild }) });
    const happens = () => dice.upTo(2) === 0;
    add("inbox", { session_key: session, message, state: "waiting", change: null });
    for (const role of ["user", "assistant"]) add("entry", { session_key: session, role });
    if (happens()) {
      const newest = numberBy("SELECT max(id) AS id FROM entry");
      const first = numberBy(
        `SELECT id FROM entry WHERE session_key = '${session}' ORDER BY id DESC LIMIT 1 OFFSET ${
          dice.upTo(2)
        }`,
      );
      add("checkpoint", {
        session_key: session,
        kind: "reset",
        first_entry: first,
        last_entry: newest,
      });
    }
    if (happens()) add("step");
    if (happens()) add("message_block", { messages: "[]" });
    if (happens()) add("reaction", { change: "added" });
    const row = add("outbox", {
      nonce: id,
      state: "pending",
      action: "post",
      folded_into: happens() ? numberBy(inChannel) || null : null,
    });
    if (happens()) add("outbox_file", { outbox_row: row, position: dice.upTo(2) });
    addVerdicts(database, { id, now, message, channel }, add);
    if (happens()) {
      const question = add("question", { code: id, state: "open" });
      const card = add("question_card", { question_row: question });
      add("question_control", { custom_id: `c${id}`, card_row: card });
      add("question_cover", { call_key: `v${id}`, question_row: question });
    }
    if (happens()) add("action_run", { state: "done" });
    if (happens()) {
      const incident = add("hook_incident", {
        hook: channel,
        key: id,
        thread: "none",
        ended_at: happens() ? now : null,
      });
      add("hook_event", { hook: channel, sender_id: happens() ? id : null, key: id });
      add("hook_run", { hook: channel, key: id, state: "done", incident_row: incident });
    }
    if (happens()) add("undecided", { message, policy_row: happens() ? 1 : null });
    if (happens()) add("asked_guild", { guild_id: guild ?? "", account_id: `x${id}` });
    if (guild !== undefined) {
      const known = database.prepare("SELECT id FROM known_channel WHERE channel_id = ?")
        .get(channel)?.["id"];
      const channelRow = known === undefined
        ? add("known_channel", { parent_id: channel })
        : Number(known);
      add("known_message", { channel: isFirst && happens() ? 0 : channelRow, author_id: "u1" });
      add("answer_thread", { thread_id: `9${id}`, state: "open" });
    }
  }

  function addVerdicts(
    database: DatabaseSync,
    { id, now, message, channel }: {
      readonly id: string;
      readonly now: number;
      readonly message: string;
      readonly channel: string;
    },
    add: (table: string, values?: RowValues) => number,
  ): void {
    const fact = add("fact", {
      facts: message,
      channel_id: channel,
      policy_row: dice.upTo(2) === 0 ? 1 : null,
    });
    const last = database.prepare(
      "SELECT id, count, verdicts FROM verdict_block ORDER BY id DESC LIMIT 1",
    ).get();
    const verdicts = dice.upTo(9) === 0 ? null : [id, fact];
    if (last && dice.upTo(2) === 0) {
      // Verdicts of one transaction, of several guilds, share a block.
      const all = [...JSON.parse(String(last["verdicts"])), verdicts];
      database.prepare("UPDATE verdict_block SET verdicts = ?, count = ? WHERE id = ?")
        .run(JSON.stringify(all), all.length, Number(last["id"]));
      return;
    }
    insertRow(database, "verdict_block", {
      id: last ? Number(last["id"]) + Number(last["count"]) : 1,
      count: 1,
      account_id: ACCOUNT,
      at: now,
      verdicts: JSON.stringify([verdicts]),
    });
  }

  /** Rows that each partition gets at a division. */
  function addShared(database: DatabaseSync, spots: readonly Spot[]): void {
    const add = (table: string, values: RowValues) => {
      const now = at += 1 + dice.upTo(50);
      insertRow(database, table, {
        account_id: ACCOUNT,
        at: now,
        created_at: now,
        updated_at: now,
        started_at: now,
        made_at: now,
        used_at: now,
        ...values,
      });
    };
    add("account", { user_id: "1", shard_count: spots.length, intents: 7, ready_at: NOW });
    for (const { guild, channel } of spots) {
      if (guild === undefined) continue;
      const snapshot = JSON.stringify({ v: 2, channels: [[channel, "name"]] });
      add("guild", { guild_id: guild, snapshot });
      add("setting", { scope: channel, name: "loop", value: "{}" });
    }
    for (let index = 0; index < 6; index++) {
      const text = `${index}`;
      add("policy", { hash: text });
      add("note", { scope: "guild", call_key: `n${index}`, text });
      add("note_source", { message_id: text, note_row: index + 1 });
      add("note_vector", { note_row: index + 1 });
      add("schedule", {
        kind: "task",
        call_key: `s${index}`,
        paused_by: null,
        origin: originOf(spots),
      });
      add("schedule_run", { schedule_row: index + 1, message_id: `r${index}` });
      add("discord_change", { call_key: `d${index}`, guild_id: dice.pick(spots).guild ?? null });
      add("application_owner", { user_id: text });
      add("discord_post", { message_id: text });
      add("identify", { shard_id: index });
      add("run", { run_id: text });
      add("feed", { name: text });
      add("feed_entry", { feed_row: index + 1, entry_key: text });
      add("paired", { user_id: text });
      add("pairing_request", { user_id: text, code: text, state: "denied" });
      add("exec_rule", { path: text });
      add("resolved_name", { kind: dice.pick(["user", "channel"]), typed: text, found_id: text });
      add("proxied_user", { user_id: text });
      add("setting", { scope: text, name: "model" });
      add("setting", { account_id: "", scope: text, name: "alerts" });
      add("told_budget", { user_id: text });
      add("told_full", { list: "user", id: text });
      add("told_problem", { problem: text });
      const { channel: silent } = dice.pick(spots);
      add("unanswered", { message_id: text, channel_id: silent, why: "queue-full" });
      add("trend", { span: 60, place: index, accepted: index });
      add("direct_channel", { channel_id: text });
      add("journal_refused", {});
      add("parked_channel", { channel_id: dice.pick(spots).channel, account_id: text });
      add("fileless_channel", { channel_id: dice.pick(spots).channel, account_id: text });
      const spot = dice.pick(spots);
      const place = { channel_id: spot.channel, guild_id: spot.guild ?? "" };
      add("usage", { day: index, ...place, requests: index, audio_sec: 0.5 });
      add("usage", { day: index, channel_id: "", guild_id: "", requests: index });
    }
    add("pairing_guess", { wrong: 2 });
    for (let shard = 0; shard < spots.length - 1; shard++) {
      add("gateway_session", { shard_id: shard });
    }
  }

  const originOf = (spots: readonly Spot[]): string => {
    const { guild, channel } = dice.pick(spots);
    return JSON.stringify({ channelId: channel, ...(guild && { guildId: guild }) });
  };

  return { addTurn, addShared };
}

/** A store of random rows, in a folder. */
function randomStore(path: string, dice: Seeded, spots: readonly Spot[], turns: number) {
  const filler = createFiller(dice);
  const database = openDatabase(path, NOW);
  database.exec("BEGIN");
  filler.addShared(database, spots);
  for (let turn = 0; turn < turns; turn++) filler.addTurn(database, dice.pick(spots), true);
  // A forgotten author's verdict stays without facts.
  insertRow(database, "verdict_block", {
    id: 1_000_000,
    count: 1,
    account_id: ACCOUNT,
    at: NOW,
    verdicts: JSON.stringify([["79", 0]]),
  });
  database.exec("COMMIT");
  database.close();
  return filler;
}

function divideInto(folder: string, from: string, count: number, name: string): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const to = join(folder, `${name}${index}.db`);
    dividePart(from, to, { index, count }, NOW);
    return to;
  });
}

const rowsOf = (path: string) => {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return canonical(database);
  } finally {
    database.close();
  }
};

describe("[O16] joinParts()", () => {
  it("makes the rows of a store again that was divided, in their order", () => {
    for (let seed = 0; seed < cases(4, 60); seed++) {
      const dice = seeded(seed);
      using folder = tempDirectory();
      const count = 2 + dice.upTo(4);
      const path = join(folder.path, "old.db");
      randomStore(path, dice, spotsOf(count), dice.upTo(40));
      const joined = join(folder.path, "joined.db");
      const rows = joinParts(divideInto(folder.path, path, count, "part"), joined, NOW);
      const [before, after] = [rowsOf(path), rowsOf(joined)];
      for (const table of Object.keys(before)) {
        assert.deepEqual(after[table], before[table], `seed ${seed}: ${table}`);
      }
      assert.ok(rows > 0);
    }
  });

  it("keeps the rows that each partition got later, so that a division gives them back", () => {
    for (let seed = 0; seed < cases(4, 60); seed++) {
      const dice = seeded(seed);
      using folder = tempDirectory();
      const count = 2 + dice.upTo(4);
      const spots = spotsOf(count);
      const path = join(folder.path, "old.db");
      const { addTurn } = randomStore(path, dice, spots, 5);
      const parts = divideInto(folder.path, path, count, "part");
      const open = parts.map((part) => new DatabaseSync(part));
      for (const database of open) database.exec("BEGIN");
      for (let turn = 0; turn < 30; turn++) {
        const spot = dice.pick(spots);
        const database = open[partOf(spots, spot)];
        if (database) addTurn(database, spot);
      }
      for (const database of open) {
        database.exec("COMMIT");
        database.close();
      }
      const joined = join(folder.path, "joined.db");
      joinParts(parts, joined, NOW);
      for (const [index, again] of divideInto(folder.path, joined, count, "again").entries()) {
        const [before, after] = [rowsOf(parts[index] ?? ""), rowsOf(again)];
        for (const table of Object.keys(before)) {
          assert.deepEqual(after[table], before[table], `seed ${seed}, part ${index}: ${table}`);
        }
      }
    }
  });

  it("joins more partitions than SQLite attaches at once", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "old.db");
    randomStore(path, seeded(1), spotsOf(12), 24);
    const joined = join(folder.path, "joined.db");
    joinParts(divideInto(folder.path, path, 12, "part"), joined, NOW);
    assert.deepEqual(rowsOf(joined), rowsOf(path));
  });
});

describe("[O16] joiningsOf()", () => {
  using folder = tempDirectory();
  const database = openDatabase(join(folder.path, "new.db"), NOW);
  const tables = database.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all().map(({ name }) => String(name))
    .filter((name) => !/_words/.test(name) && !MADE_ANEW.includes(name));
  const integers = tables.flatMap((table) =>
    database.prepare(`PRAGMA table_info(${table})`).all()
      .filter(({ type }) => type === "INTEGER").map(({ name }) => ({ table, column: String(name) }))
  );
  database.close();
  const joinings = joiningsOf(1);

  it("has a rule for each table", () => {
    assert.deepEqual(Object.keys(joinings).sort(), tables.toSorted());
  });

  it("takes rows that each partition gets for one row", () => {
    for (const [table, place] of Object.entries(placesOf(3))) {
      if (place !== ALL || table === "verdict_block") continue; // its verdicts are taken apart
      assert.notEqual(joinings[table]?.kind, "own", table);
    }
  });

  it("has a rule for each column that names a row", () => {
    /** Columns that are no numbers of rows. A new one must be named here, or have a rule. */
    const plain =
      /^(?:at|count|one|day|minute|seq|span|place|position|probes|wrong|events|failures|dimension|flags|intents|attempt|entries|requests|input|cached|output|micros|unpriced|ms|accepted|ignored|answers|waiting|unsent|shard_id|shard_count|recommended_shards|file_count|expires_at|next_try_at|sent_from|sent_to|catch_up_from|stored_up_to|since|median_ms|slowest_ms|limit_\w+|is_\w+|has_\w+|\w+_at|failing_since)$/;
    const lacking = integers.filter(({ table, column }) => {
      const rule = joinings[table];
      return column !== "id" && !plain.test(column) &&
        !KEPT_REFERENCES.includes(`${table}.${column}`) &&
        rule?.references?.[column] === undefined && rule?.values?.[column] === undefined;
    });
    assert.deepEqual(lacking, []);
  });
});
