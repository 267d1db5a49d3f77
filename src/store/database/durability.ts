/**
 * Lists the transactions of the crash table ("What happens after a crash" in
 * `docs/internals/architecture.md`), and which of them must survive a power cut.
 *
 * `kill -9` loses no commit, because the page cache outlives the process. Only a power cut can lose
 * some. A `full` commit waits for the disk. A `normal` one does not, and a power cut may undo the
 * last ones: a suffix of the log, never a part in its middle. A commit that waits for the disk
 * writes the whole log before it. So after a `full` commit, all earlier commits are on the disk,
 * too. A transaction may be `normal` if its loss has the effect of an earlier row of the crash
 * table:
 *
 * - T0 is full. Tests with power cuts have shown that it need not be: without it, the bot tries to
 *   resume the earlier session, fails, and opens a gap from the end of the stored messages. But T0
 *   is rare, so the wait costs little.
 * - T1 is normal: a power cut undoes the messages together with the `seq` that covers them, and a
 *   RESUME from the older `seq` brings them again. Discord may have forgotten them, because
 *   heartbeats and RESUME named a later `seq`. The gateway thread then sees a hole and begins a new
 *   session. So catch-up finds the messages (G5b), in guilds and in stored direct channels.
 * - `FIRST_DM` is a T1 with the first accepted message of a direct channel, or with a new code for
 *   an unpaired sender. It is full: after its loss, catch-up would not know that it must read this
 *   channel. A later decision of an undecided message is normal: after its loss, the message is
 *   undecided as before.
 * - T2 is normal: without it the message waits, and its turn runs again.
 * - TS is normal: without it, the turn continues from an earlier step, asks the model again, or runs
 *   again a call that may run twice. `TS_BEGUN` is full: it says that a call has begun that must not
 *   run twice. It leaves before the call does.
 * - T3 is normal: without it the turn runs again, and no person has seen its reply. A reply leaves
 *   only after T4. T4 comes after T1 and T3 in the same log, so its wait for the disk covers all
 *   three. A reply costs one wait.
 * - T4 is full: without it, Discord could have a message that is unsent according to the store.
 * - T5 is normal: without it, Barnacle repeats the request with its nonce, or looks for the message
 *   in the channel.
 * - `BY_HAND` is full: the command line has reported success to a person, and nothing would restore
 *   the lost work. The same holds for pairings, resolved names, and messages that Barnacle sends on
 *   its own.
 * - `IDENTIFY` is full: the count must be on the disk before the IDENTIFY leaves. Otherwise several
 *   power cuts in a row spend more IDENTIFYs than Discord allows.
 * - `PROBE` is full: it shows a health check that the disk accepts writes.
 *
 * A caller waits for the commit, so the methods of the store are asynchronous. The work itself is
 * synchronous, so no other work runs in between. The store groups its commits (`commits.ts`).
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** How a transaction changes this process's memory. */
export interface Effects<T> {
  /** Called at the moment it is stored, before any other code runs. */
  readonly onStored?: (result: T) => void;
  /**
   * Whether it shares a commit with no other work: whatever is asked for later is decided with its
   * effects.
   */
  readonly isAlone?: boolean;
}

/** The ways to change and read the tables. */
export interface Transactions {
  /** The database, for statements that run within `work`. */
  readonly database: DatabaseSync;
  readonly sql: Statements;
  /**
   * Runs `work` as one transaction.
   *
   * @returns What `work` returned, once it is committed.
   * @throws {unknown} What `work` or the disk threw, with nothing stored.
   */
  commit<T>(options: CommitOptions, work: () => T, effects?: Effects<T>): Promise<T>;
  /** Runs a statement that only reads. It sees all committed work. */
  read<T>(work: () => T): Promise<T>;
}

/**
 * Runs `work` as one transaction, alone and at once: for migrations and copies.
 *
 * @throws {unknown} What `work` threw, with nothing stored.
 */
export function transactNow<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (thrown) {
    if (database.isTransaction) database.exec("ROLLBACK"); // a full disk has done it already
    throw thrown;
  }
}

/** Values of a statement: by place, or by name. */
export type Values = readonly SQLInputValue[] | readonly [Readonly<Record<string, SQLInputValue>>];

export interface RowQuery<Row> {
  all(...values: Values): Row[];
  /** The first row; `undefined` if there is none. */
  get(...values: Values): Row | undefined;
  /** The first row of a query that always has one. */
  one(...values: Values): Row;
}

/** Takes a template: its texts, and constants of ours between them. Values are parameters. */
export type FromText<Made> = (
  texts: TemplateStringsArray,
  ...constants: readonly (string | number)[]
) => Made;

/** Prepares statements: `` sql`DELETE FROM note WHERE id = ?` ``. */
export interface Statements extends FromText<StatementSync> {
  /** Prepares a query whose rows are read: `` sql.rows(NOTE.read)`SELECT * FROM note` ``. */
  rows<Row>(read: (row: unknown) => Row): FromText<RowQuery<Row>>;
}

export function statementsOf(database: DatabaseSync): Statements {
  const prepare: FromText<StatementSync> = (texts, ...constants) => {
    const [text = ""] = texts;
    return database.prepare(
      constants.length === 0 ? text : String.raw({ raw: texts }, ...constants),
    );
  };
  return Object.assign(prepare, {
    rows: <Row>(read: (row: unknown) => Row): FromText<RowQuery<Row>> => (texts, ...constants) =>
      queryOf(prepare(texts, ...constants), read),
  });
}

function queryOf<Row>(statement: StatementSync, read: (row: unknown) => Row): RowQuery<Row> {
  const first = (values: Values): unknown => Reflect.apply(statement.get, statement, values);
  return {
    all(...values) {
      const found: readonly unknown[] = Reflect.apply(statement.all, statement, values);
      return found.map((row) => read(row));
    },
    get(...values) {
      const row = first(values);
      return row === undefined ? undefined : read(row);
    },
    one: (...values) => read(first(values)),
  };
}

/** Transactions of the crash table; `docs/internals/glossary.md` explains each. */
export type TransactionName = "T0" | "T1" | "T2" | "TS" | "T3" | "T4" | "T5";

/** Whether a commit waits until the disk has it. */
export type Durability = "full" | "normal";

/** How to commit a transaction: its durability, and its row of the crash table in the docs. */
export interface CommitOptions {
  /** Its name in the crash table; absent if that has no row for it. */
  readonly name?: TransactionName;
  /** Whether the commit waits for the disk. */
  readonly durability: Durability;
}

/** Options of the transactions; the module's comment gives the reason for each durability. */
export const COMMIT_OPTIONS = {
  T0: { name: "T0", durability: "full" },
  T1: { name: "T1", durability: "normal" },
  FIRST_DM: { name: "T1", durability: "full" },
  T2: { name: "T2", durability: "normal" },
  TS: { name: "TS", durability: "normal" },
  TS_BEGUN: { name: "TS", durability: "full" },
  T3: { name: "T3", durability: "normal" },
  T4: { name: "T4", durability: "full" },
  T5: { name: "T5", durability: "normal" },
  BY_HAND: { durability: "full" },
  IDENTIFY: { durability: "full" },
  PROBE: { durability: "full" },
} as const satisfies
  & { readonly [Name in TransactionName]: CommitOptions & { readonly name: Name } }
  & { readonly [name: string]: CommitOptions };

/** Options of work that the next start would do or find again. */
export const UNNAMED: CommitOptions = { durability: "normal" };

/**
 * Hooks around each transaction of the crash table, where a test can end the process (reliability
 * 1.6).
 */
export interface CrashHooks {
  /** Called before the transaction is committed. */
  before(name: TransactionName): void;
  /** Called once the transaction is committed. */
  after(name: TransactionName): void;
}
