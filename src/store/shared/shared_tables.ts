/**
 * Lists the tables whose rows hold over all partitions (O16), and prepares each of them: triggers that
 * note its changes, and the statements that take those of others.
 *
 * The triggers are temporary, and write in the transaction of the change. So no statement of the store
 * knows of them, and a store of the whole bot has none.
 */

import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { z } from "zod";
import type { Partition } from "../../core/discord/partition.ts";
import { NOTE, NOTE_SOURCE } from "../schema/agent.ts";
import { DIRECT_CHANNEL, SETTING, TOLD_BUDGET, USAGE } from "../schema/bot.ts";
import { EXEC_RULE, PAIRED, PAIRING_GUESS, PAIRING_REQUEST } from "../schema/people.ts";

/** A table whose rows hold over all partitions. */
export interface SharedTable {
  readonly name: string;
  /** The columns by which all partitions name a row; absent: the key of the table. */
  readonly key?: readonly string[];
  /** Columns that each store counts for itself. */
  readonly own?: readonly string[];
  /** Condition of the rows that go round; absent: all. */
  readonly when?: (row: "NEW" | "OLD", partition: Partition) => string;
}

/** All of them. */
export const SHARED_TABLES: readonly SharedTable[] = [
  {
    name: SETTING.name,
    // Settings without an account are those of a store; and a channel is in one partition.
    when: (row) => `${row}.account_id <> '' AND ${row}.name <> 'loop'`,
  },
  { name: PAIRED.name },
  { name: PAIRING_REQUEST.name }, // only partition 0 inserts them: it has all direct messages
  { name: PAIRING_GUESS.name },
  {
    name: DIRECT_CHANNEL.name,
    // An approval may come by another partition; catch-up (G6) reads the channels of partition 0.
    when: (_row, { index }) => index === 0 ? "false" : "true",
  },
  {
    name: USAGE.name,
    // Each partition counts requests without a place, such as those for vectors, in a row of that key.
    when: (row) => `(${row}.guild_id <> '' OR ${row}.channel_id <> '')`,
  },
  { name: TOLD_BUDGET.name },
  { name: NOTE.name }, // each partition numbers its own (`own_numbers.ts`) and makes all vectors
  { name: NOTE_SOURCE.name },
  {
    name: EXEC_RULE.name,
    key: ["agent_id", "path", "content_hash", "cwd", "files_hash", "args"],
    own: ["id"],
  },
];

const columnSchema = z.object({ name: z.string(), pk: z.number() });

/** Stores a row, or deletes it if the value is `null`. */
export type TakeRow = (key: string, value: string | null) => void;

/** Prepares a table. */
export function prepareSharedTable(
  database: DatabaseSync,
  { name, key, own = [], when = () => "true" }: SharedTable,
  partition: Partition,
): TakeRow {
  const all = columnSchema.array().parse(database.prepare(`PRAGMA table_info(${name})`).all());
  const columns = all.map(({ name }) => name).filter((column) => !own.includes(column));
  const keys = key ??
    all.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk).map(({ name }) => name);
  const keyOf = (row: string) =>
    `json_array(${keys.map((column) => `${row}.${column}`).join(", ")})`;
  const valueOf = (row: string) =>
    `json_object(${columns.map((column) => `'${column}', ${row}.${column}`).join(", ")})`;
  const note = (row: "NEW" | "OLD", value: string, where = "true") => `
    DELETE FROM shared_change WHERE name = '${name}' AND key = ${keyOf(row)} AND ${where};
    INSERT INTO shared_change (name, key, id, value)
    SELECT '${name}', ${keyOf(row)}, lower(hex(randomblob(16))), ${value} WHERE ${where};`;
  const trigger = (event: "INSERT" | "UPDATE" | "DELETE", row: "NEW" | "OLD", notes: string) =>
    database.exec(`
      CREATE TEMP TRIGGER shared_${name}_${event} AFTER ${event} ON main.${name}
      WHEN ${when(row, partition)} AND NOT EXISTS (SELECT 1 FROM shared_quiet)
      BEGIN ${notes} END`);
  trigger("INSERT", "NEW", note("NEW", valueOf("NEW")));
  const isRenamed = `${keyOf("OLD")} <> ${keyOf("NEW")}`; // words of a person are gone from it
  trigger("UPDATE", "NEW", note("OLD", "NULL", isRenamed) + note("NEW", valueOf("NEW")));
  trigger("DELETE", "OLD", note("OLD", "NULL"));
  return prepareTake(database, { name, columns, keys });
}

/**
 * A row that another one of the table excludes takes its place: the partition of that one sends its
 * change, too.
 */
function prepareTake(
  database: DatabaseSync,
  { name, columns, keys }: {
    readonly name: string;
    readonly columns: readonly string[];
    readonly keys: readonly string[];
  },
): TakeRow {
  const where = keys.map((column, at) => `${column} = :key ->> '$[${at}]'`).join(" AND ");
  const valueOf = (column: string) => `:value ->> '$.${column}'`;
  const rest = columns.filter((column) => !keys.includes(column));
  const set = rest.map((column) => `${column} = ${valueOf(column)}`).join(", ");
  // Not `INSERT OR REPLACE` at once: it would fire no trigger for the replaced row.
  const change = rest.length === 0
    ? database.prepare(`UPDATE ${name} SET ${keys[0]} = ${keys[0]} WHERE ${where}`)
    : database.prepare(`UPDATE OR REPLACE ${name} SET ${set} WHERE ${where}`);
  const add = database.prepare(
    `INSERT OR REPLACE INTO ${name} (${columns.join(", ")})
     VALUES (${columns.map(valueOf).join(", ")})`,
  );
  const remove = database.prepare(`DELETE FROM ${name} WHERE ${where}`);
  return (key, value) => {
    if (value === null) {
      remove.run({ key });
      return;
    }
    const given: Record<string, SQLInputValue> = rest.length === 0 ? { key } : { key, value };
    if (change.run(given).changes === 0) add.run({ value });
  };
}
