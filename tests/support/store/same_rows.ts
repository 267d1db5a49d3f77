/** Shows the rows of a store without numbers that people do not see, to compare it with another one. */

import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

/** Columns that name rows, with their tables. */
const REFERENCES: Readonly<Record<string, string>> = {
  "checkpoint.first_entry": "entry",
  "checkpoint.last_entry": "entry",
  "fact.policy_row": "policy",
  "feed_entry.feed_row": "feed",
  "hook_run.incident_row": "hook_incident",
  "known_message.channel": "known_channel",
  "outbox.folded_into": "outbox",
  "outbox_file.outbox_row": "outbox",
  "question_card.question_row": "question",
  "question_control.card_row": "question_card",
  "question_cover.question_row": "question",
  "undecided.policy_row": "policy",
};

/** Tables whose numbers people see, or that have verdicts, which blocks share. */
const KEPT = ["note", "schedule", "discord_change", "verdict_block"];

/** Tables that a store makes by itself, and counts of minutes that a division gives to all. */
const LEFT_OUT =
  /^(?:sqlite_|journal$|journal_done|known_index|known_words|note_words|shared_|invalid_request)/;

type Row = Readonly<Record<string, SQLOutputValue>>;

/** Rows of each table, with a number of each row that is its place among all rows. */
export function canonical(database: DatabaseSync): Readonly<Record<string, readonly string[]>> {
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
    .map(({ name }) => String(name)).filter((name) => !LEFT_OUT.test(name));
  const places = new Map<string, ReadonlyMap<SQLOutputValue, number>>();
  for (const name of names) {
    const hasNumber = database.prepare(`PRAGMA table_info(${name})`).all()
      .some(({ name, pk }) => name === "id" && pk === 1);
    if (!hasNumber || KEPT.includes(name)) continue;
    const ids = database.prepare(`SELECT id FROM ${name} ORDER BY id`).all();
    places.set(name, new Map(ids.map(({ id = null }, place) => [id, place + 1])));
  }
  const placeIn = (table: string, id: SQLOutputValue | undefined) =>
    id === undefined || id === null ? null : places.get(table)?.get(id) ?? "none";
  const shown = (name: string, row: Row): string =>
    JSON.stringify(
      Object.entries(row).map(([column, value]) => {
        if (column === "generation") return null;
        if (column === "id" && places.has(name)) return placeIn(name, value);
        const table = REFERENCES[`${name}.${column}`];
        return table === undefined ? value : placeIn(table, value);
      }),
    );
  return Object.fromEntries(names.map((name) => [
    name,
    name === "verdict_block"
      ? verdictsOf(database, placeIn)
      : database.prepare(`SELECT * FROM ${name}`).all().map((row) => shown(name, row)).sort(),
  ]));
}

/** Each verdict by itself. */
function verdictsOf(
  database: DatabaseSync,
  placeIn: (table: string, id: SQLOutputValue) => unknown,
): readonly string[] {
  return database.prepare(
    `SELECT r.account_id, r.sent_from, r.sent_to, r.at, v.value ->> 0 AS message, v.value ->> 1 AS fact
     FROM verdict_block AS r, json_each(r.verdicts) AS v WHERE v.type = 'array'`,
  ).all().map(({ fact = null, ...row }) =>
    JSON.stringify([...Object.values(row), placeIn("fact", fact)])
  ).sort();
}
