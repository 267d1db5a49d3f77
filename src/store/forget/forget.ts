/**
 * Removes every trace of a person from the store (X5).
 *
 * One transaction finds the traces and removes them by the rules of the tables
 * (`schema/tables.ts`). SQLite overwrites deleted texts in the file, and the log is emptied at once.
 * A vacuum then writes the file anew: when SQLite moves rows between pages, the place that one had
 * may keep its bytes. A row says that the vacuum is due, so a restart does not lose it.
 */

import { createHmac, randomBytes } from "node:crypto";
import { COMMIT_OPTIONS, statementsOf } from "../database/commits.ts";
import { emptyLog } from "../database/database.ts";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { z } from "zod";
import {
  createdAtMs,
  type MessageId,
  parseSnowflake,
  type UserId,
} from "../../core/discord/ids.ts";
import type { Forgotten } from "../../core/store/store.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Transactions } from "../database/commits.ts";
import {
  type DeclaredTable,
  integer,
  optional,
  type RewrittenRow,
  type RowChange,
  rows,
  text,
} from "../schema/columns.ts";
import {
  changed as changedTexts,
  createScrubber,
  type Person,
  REMOVED_MESSAGE,
  type Scrubber,
} from "../schema/person.ts";
import { prepareSources } from "../sources/sources.ts";
import type { Memory } from "../memory/memory.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { TABLES } from "../schema/tables.ts";

/** Key of the setting of no account which says that `vacuum()` is due. */
const DUE = "'', 'store', 'vacuum'";

interface Done extends Forgotten {
  /** Messages of turns that begin anew. */
  readonly again: readonly MessageId[];
}

/** Rows that are read at once. */
const PAGE = 500;

/**
 * Milliseconds before the newest message on record. Catch-up reads back to the newest one of a shard
 * or a channel, and tells people of messages of the last day.
 */
const RECENT_MS = DAY_MS;

const TEXT = rows({ value: optional(text()) });
const ID = rows({ id: integer() });
const EVENT = rows({ runId: text(), sources: optional(text()), words: text() });

/**
 * Creates the namespace. Its statements are prepared when they run: no bot needs them.
 *
 * @param memory Gets the running turns that begin anew, once the transaction is stored.
 */
export function createForgetting(
  { database, sql, commit, read }: Transactions,
  memory: Memory,
  /** Called within the transaction, so that a later restore forgets the person again. */
  note: (userId: UserId) => void = () => {},
) {
  const selectDue = sql`SELECT 1 FROM setting WHERE (account_id, scope, name) = (${DUE})`;
  const hasOpen = (userId: UserId): boolean =>
    sql`SELECT 1 FROM inbox
       WHERE ${IS_OPEN}
         AND message ->> '$.sender.id' = ?`.get(userId) !== undefined;

  function forget(userId: UserId, mayRun: boolean): Done | "open turns" {
    if (mayRun && hasOpen(userId)) return "open turns";
    const known = personOf(database, userId);
    const scrub = createScrubber(known);
    const removal = { ids: known.sources, note: REMOVED_MESSAGE, scrub };
    const sources = prepareSources(database);
    const running = memory.forgotten.readers();
    const found = sources.find(removal, { since: 0, isEdit: false, running });
    sources.remove(found, true);
    const person = { ...known, sources: found.removal.ids };
    const counts = TABLES.map((table) =>
      [table.name, applyRule(database, table, person, scrub)] as const
    );
    database.exec(`INSERT OR REPLACE INTO setting VALUES (${DUE}, 'due', 0)`);
    note(userId);
    return {
      again: found.again,
      tables: Object.fromEntries(
        counts.filter(([, { deleted, changed }]) => deleted + changed > 0),
      ),
    };
  }

  return {
    /**
     * Removes every trace of a person, in one transaction, from the file and its log.
     * `vacuum()` must follow.
     *
     * @returns `"open turns"`, with nothing changed, if such a turn waits or runs and `mayRun` is set.
     */
    async forget(userId: UserId, mayRun: boolean): Promise<Forgotten | "open turns"> {
      const done = await commit(COMMIT_OPTIONS.BY_HAND, () => forget(userId, mayRun), {
        isAlone: true, // so that no turn stores words that it has read before
        removes: true,
        onStored(done) {
          if (done === "open turns") return;
          memory.apply({ kind: "again", turns: done.again });
          memory.apply({ kind: "undone" }); // messages that wait have other words, or are gone
        },
      });
      if (done === "open turns") return done;
      const { again: _, ...forgotten } = done;
      try {
        emptyLog(database); // if others read the database, the vacuum does it
      } catch {
        // A full disk must not make the caller believe that the person was not forgotten.
      }
      return forgotten;
    },
    /** Whether a vacuum must follow, also after a restart. */
    isVacuumDue: () => read(() => selectDue.get() !== undefined),
    /**
     * Writes the file anew, without deleted texts, and empties the log.
     *
     * @throws {unknown} SQLite's error, if another process uses the file for too long.
     */
    vacuum: () =>
      Promise.try(() => {
        database.exec("VACUUM");
        database.exec(`DELETE FROM setting WHERE (account_id, scope, name) = (${DUE})`);
        if (!emptyLog(database)) throw new Error("another process reads the database");
      }),
  };
}

/** Finds everything by which the rows may name a person. */
function personOf(database: DatabaseSync, userId: UserId): Person {
  const sql = statementsOf(database);
  const valuesOf = (sql: string): readonly string[] =>
    database.prepare(sql).all({ userId }).flatMap((row) => TEXT.read(row).value ?? []);
  const from = (table: string, path: string) =>
    valuesOf(
      `SELECT DISTINCT message ->> '${path}' AS value FROM ${table}
       WHERE message ->> '$.sender.id' = :userId`,
    );
  const senderPaths = [
    "$.sender.username",
    "$.sender.tag",
    "$.sender.pluralkit.name",
    "$.sender.pluralkit.displayName",
  ];
  const written = [
    ...senderPaths.flatMap((path) => [...from("inbox", path), ...from("undecided", path)]),
    ...senderPaths.flatMap((path) =>
      valuesOf(
        `SELECT DISTINCT facts ->> '${path}' AS value FROM decision WHERE author_id = :userId`,
      )
    ),
    ...valuesOf("SELECT DISTINCT tag AS value FROM message WHERE author_id = :userId"),
    ...valuesOf(
      `SELECT DISTINCT message ->> '$.quoted.author.tag' AS value FROM inbox
       WHERE message ->> '$.quoted.author.id' = :userId`,
    ),
    ...valuesOf("SELECT username AS value FROM pairing_request WHERE user_id = :userId"),
    ...valuesOf("SELECT username AS value FROM paired WHERE user_id = :userId"),
    ...valuesOf("SELECT name AS value FROM resolved_name WHERE found_id = :userId"),
    ...valuesOf("SELECT typed AS value FROM resolved_name WHERE found_id = :userId"),
  ];
  const names = new Set(written.flatMap((name) => [name, name.replace(/#\d{1,4}$/, "")]));
  const { isIn: isAbout } = createScrubber({ userId, names, messages: new Set() });
  const messages = [
    ...from("inbox", "$.id"),
    ...from("undecided", "$.id"),
    ...valuesOf("SELECT message_id AS value FROM message WHERE author_id = :userId"),
    ...valuesOf("SELECT message_id AS value FROM decision WHERE author_id = :userId"),
    ...valuesOf("SELECT message_id AS value FROM pairing_request WHERE user_id = :userId"),
    ...sql.rows(EVENT.read)`SELECT run_id, sources, title || ' ' || text || ' ' || post AS words
      FROM hook_event WHERE run_id IS NOT NULL`.all()
      .flatMap(({ runId, sources, words }) => isAbout(`${sources} ${words}`) ? runId : []),
  ];
  // Discord does not tell who wrote a forwarded message: one that is not on record may be theirs.
  const unknown = valuesOf(
    `SELECT f.id AS value FROM (
       SELECT message ->> '$.forwards' AS id FROM inbox
       UNION SELECT message ->> '$.quoted.forwards' FROM inbox
       UNION SELECT forwards FROM message) AS f
     WHERE f.id IS NOT NULL
       AND f.id NOT IN (SELECT message_id FROM decision WHERE author_id <> :userId)
       AND f.id NOT IN (SELECT message_id FROM outbox WHERE message_id IS NOT NULL)`,
  );
  const sentAt = (text: string): number => {
    const id = parseSnowflake<"message">(text);
    return id === undefined ? -Infinity : createdAtMs(id);
  };
  const { value: newest = "" } = TEXT.read(
    sql`SELECT CAST(MAX(CAST(message_id AS INTEGER)) AS TEXT) AS value FROM decision`.get(),
  );
  const isRecent = (text: string): boolean => sentAt(text) > sentAt(newest) - RECENT_MS;
  const channels = [
    ...valuesOf(
      `SELECT DISTINCT channel_id AS value FROM inbox
       WHERE message ->> '$.sender.id' = :userId AND message ->> '$.place.kind' = 'dm'`,
    ),
    ...valuesOf(
      `SELECT DISTINCT channel_id AS value FROM decision
       WHERE author_id = :userId AND facts ->> '$.place.kind' = 'dm'`,
    ),
    ...valuesOf("SELECT DISTINCT channel_id AS value FROM pairing_request WHERE user_id = :userId"),
  ];
  const ofPerson = (key: string) => `${key} || ':' LIKE '%:' || :userId || ':%'`;
  const sessions = valuesOf(
    `SELECT DISTINCT session_key AS value FROM entry WHERE ${ofPerson("session_key")}
     UNION SELECT session_key FROM checkpoint WHERE ${ofPerson("session_key")}
     UNION SELECT scope FROM setting WHERE ${ofPerson("scope")}`,
  );
  return {
    userId,
    names,
    messages: new Set(messages),
    sources: new Set([userId, ...messages, ...unknown]),
    recent: new Set(messages.filter(isRecent)),
    channels: new Set(channels),
    sessions: new Set(sessions),
  };
}

function applyRule(
  database: DatabaseSync,
  { name: table, forgets: rule, jsonColumns }: DeclaredTable,
  person: Person,
  scrub: Scrubber,
): { readonly deleted: number; readonly changed: number } {
  const sql = statementsOf(database);
  let deleted = 0;
  let changed = 0;
  if (typeof rule === "string") return { deleted, changed };
  const run = (sql: string): number =>
    Number(database.prepare(sql).run(namedIn(sql, person)).changes);
  if (rule.first !== undefined) run(rule.first);
  if (rule.delete !== undefined) deleted += run(`DELETE FROM ${table} WHERE ${rule.delete}`);
  for (const { where, to } of rule.set ?? []) {
    changed += run(`UPDATE ${table} SET ${to} WHERE ${where}`);
  }
  const change = rule.change ?? (rule.scrub && scrubbing(rule.scrub, jsonColumns));
  if (!change) return { deleted, changed };
  const { columns } = change;
  const page = sql`
    SELECT id, ${columns.join(", ")} FROM ${table} WHERE id > ? ORDER BY id LIMIT ${PAGE}`;
  const remove = sql`DELETE FROM ${table} WHERE id = ?`;
  for (let after = -1;;) {
    const found = page.all(after);
    for (const row of found) {
      const { id } = ID.read(row);
      after = id;
      const next = change.row(row, person, scrub);
      if (next === "delete") deleted += Number(remove.run(id).changes);
      else if (next) changed += update(database, table, id, next);
    }
    if (found.length < PAGE) return { deleted, changed };
  }
}

/** Removes a person's traces from columns. */
function scrubbing(columns: readonly string[], jsonColumns: readonly string[]): RowChange {
  return {
    columns,
    row: (row, _person, scrub) =>
      changedTexts(
        row,
        columns,
        (text, column) => jsonColumns.includes(column) ? scrub.json(text) : scrub.text(text),
      ),
  };
}

function update(database: DatabaseSync, table: string, id: number, next: RewrittenRow): number {
  const sql = statementsOf(database);
  const columns = Object.keys(next);
  const values = Object.values(next).map((value): SQLInputValue =>
    value === null || typeof value === "number" ? value : String(value)
  );
  const set = columns.map((column) => `${column} = ?`).join(", ");
  return Number(sql`UPDATE ${table} SET ${set} WHERE id = ?`.run(...values, id).changes);
}

/** The parameters that a statement names: SQLite refuses others. */
function namedIn(sql: string, person: Person): Record<string, string> {
  const all: Readonly<Record<string, string>> = {
    userId: person.userId,
    messages: JSON.stringify([...person.messages]),
    channels: JSON.stringify([...person.channels]),
    sessions: JSON.stringify([...person.sessions]),
  };
  return Object.fromEntries(Object.entries(all).filter(([name]) => sql.includes(`:${name}`)));
}

// Remembers who was forgotten, in a file beside the database (X5).
//
// An older backup still has the person's data. The database cannot say who must be forgotten again
// after a restore, because the restore replaces it. The file has no ids: with a key of its own, each
// id becomes a hash. So a copy of the file alone names no one, and two bots' files cannot be compared.
// Who has the file can test a known id; that is what the file is for.

const KEY_BYTES = 32;

const lineSchema = z.lazy(() => z.object({ key: z.string(), hash: z.string(), at: z.number() }));

type ForgottenId = z.infer<typeof lineSchema>;

/** Adds a person, before the transaction that forgets them is stored. */
export function noteForgotten(file: string, userId: UserId, now: number): void {
  const key = readForgotten(file).at(-1)?.key ?? randomBytes(KEY_BYTES).toString("hex");
  const line: ForgottenId = { key, hash: hashOf(key, userId), at: now };
  appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true });
}

function hashOf(key: string, id: string): string {
  return createHmac("sha256", key).update(id).digest("hex");
}

/** A line that a crash has cut is left out. */
function readForgotten(file: string): readonly ForgottenId[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").flatMap((line) => {
    try {
      const { data } = lineSchema.safeParse(JSON.parse(line));
      return data ? [data] : [];
    } catch {
      return [];
    }
  });
}

/** Joins the lists of several files, each entry once. */
export function joinedForgotten(files: readonly string[]): string {
  const lines = new Set(
    files.flatMap((file) => readForgotten(file).map((line) => JSON.stringify(line))),
  );
  return [...lines].map((line) => `${line}\n`).join("");
}

const DIGITS = /(?<!\d)\d{15,20}(?!\d)/g;

/**
 * Finds people in a database who were forgotten after a time. It looks at every text, because ids
 * stand within messages, too.
 */
export function forgottenIn(database: string, file: string, since: number): readonly UserId[] {
  const byKey = Map.groupBy(readForgotten(file).filter(({ at }) => at >= since), ({ key }) => key);
  if (byKey.size === 0) return [];
  const keys = Array.from(byKey, ([key, lines]) => ({
    key,
    hashes: new Set(lines.map(({ hash }) => hash)),
  }));
  const seen = new Set<string>();
  const found: UserId[] = [];
  for (const text of textsIn(database)) {
    for (const [digits] of text.matchAll(DIGITS)) {
      if (seen.has(digits)) continue;
      seen.add(digits);
      const id = parseSnowflake<"user">(digits);
      if (id && keys.some(({ key, hashes }) => hashes.has(hashOf(key, id)))) found.push(id);
    }
  }
  return found;
}

function* textsIn(path: string): Generator<string> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    ).all().map(({ name }) => String(name));
    for (const table of tables) {
      for (const row of database.prepare(`SELECT * FROM "${table}"`).iterate()) {
        for (const value of Object.values(row)) if (typeof value === "string") yield value;
      }
    }
  } finally {
    database.close();
  }
}
