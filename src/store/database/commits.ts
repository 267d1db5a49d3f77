/**
 * Prepares statements, and commits transactions in groups.
 *
 * Transactions of one turn of the event loop share one commit. A commit that waits for the disk
 * costs 0.2 ms here and 5 to 50 ms on an SD card, regardless of its size. The group is as durable
 * as its most demanding member. A transaction that comes alone waits for no other: `setImmediate`
 * follows an idle loop's job after 1 to 4 µs.
 *
 * A caller waits for the commit, so the methods of the store are asynchronous. The work itself is
 * synchronous, so no other work runs in between.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { StoreErrorKind } from "../../core/store/store.ts";
import { isOfDisk, StoreError, toStoreError } from "./database_files.ts";

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

/** The texts of a template, and constants of ours between them. Values are parameters. */
type Template = readonly [texts: TemplateStringsArray, ...constants: readonly (string | number)[]];

/** Prepares statements: `` sql`DELETE FROM note WHERE id = ?` ``. */
export function statementsOf(database: DatabaseSync): ((...of: Template) => StatementSync) & {
  /** Prepares a query whose rows are read: `` sql.rows(NOTE.read)`SELECT * FROM note` ``. */
  readonly rows: <Row>(
    read: (row: unknown) => Row,
  ) => (...of: Template) => ReturnType<typeof queryOf<Row>>;
} {
  const prepare = (...[texts, ...constants]: Template): StatementSync =>
    database.prepare(
      constants.length === 0 ? texts[0] ?? "" : String.raw({ raw: texts }, ...constants),
    );
  return Object.assign(prepare, {
    rows: <Row>(read: (row: unknown) => Row) => (...of: Template) => queryOf(prepare(...of), read),
  });
}

function queryOf<Row>(statement: StatementSync, read: (row: unknown) => Row) {
  const first = (values: Values): unknown => Reflect.apply(statement.get, statement, values);
  return {
    all(...values: Values): Row[] {
      const found: readonly unknown[] = Reflect.apply(statement.all, statement, values);
      return found.map((row) => read(row));
    },
    /** The first row; `undefined` if there is none. */
    get(...values: Values): Row | undefined {
      const row = first(values);
      return row === undefined ? undefined : read(row);
    },
    /** The first row of a query that always has one. */
    one: (...values: Values): Row => read(first(values)),
  };
}

/** Transactions of the crash table; `docs/internals/glossary.md` explains each. */
export type TransactionName = "T0" | "T1" | "T2" | "TS" | "T3" | "T4" | "T5";

/** Whether a commit waits until the disk has it. */
export type Durability = "full" | "normal";

/** Called before and after the commit of a transaction of the crash table. */
export type CrashPoint = (when: "before" | "after", name: TransactionName) => void;

/** How to commit a transaction: its durability, and its row of the crash table in the docs. */
export interface CommitOptions {
  /** Its name in the crash table; absent if that has no row for it. */
  readonly name?: TransactionName;
  /** Whether the commit waits for the disk. */
  readonly durability: Durability;
}

/**
 * Options of the transactions of the crash table ("What happens after a crash" in
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
 */
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

/** Work that a caller waits for. */
interface Job {
  readonly options: CommitOptions;
  /** Does the work on the tables and keeps its result until it is committed. */
  readonly run: () => void;
  /** Tells the caller that the work is committed. */
  readonly resolve: () => void;
  /** Tells the caller that the work failed, with nothing of it stored. */
  readonly reject: (reason: unknown) => void;
  /** Whether it shares a transaction with no other work. */
  readonly isAlone: boolean;
}

/**
 * Creates the ways to change and read the tables.
 *
 * @param database Open, migrated, owned by the caller; nothing else here writes to it.
 * @param path Path of the database file, for error messages.
 */
export function createCommits(
  database: DatabaseSync,
  path: string,
  {
    crash = () => {},
    onUndone = () => {},
    onRemoved = () => {},
    onFailed = () => {},
    soon = setImmediate,
  }: {
    /** Called around each transaction of the crash table: a test can end the process there. */
    readonly crash?: CrashPoint;
    /**
     * Called at once, before other work runs, if finished work is undone. The tables then differ
     * from this process's memory.
     */
    readonly onUndone?: () => void;
    /** Called once words of people are removed. */
    readonly onRemoved?: () => void;
    /** Called if the disk or the file refuses a write, and if a read finds damage. */
    readonly onFailed?: (kind: StoreErrorKind) => void;
    /** Runs the group soon, once. */
    readonly soon?: (run: () => void) => void;
  } = {},
) {
  const sql = statementsOf(database);
  const begin = sql`BEGIN IMMEDIATE`;
  const end = sql`COMMIT`;
  const savepoint = sql`SAVEPOINT job`;
  const release = sql`RELEASE job`;
  const undo = sql`ROLLBACK TO job`;
  const waiting: Job[] = [];
  let durability: Durability | undefined;
  let writes = 0;
  let isClosed = false;

  function errorOf(thrown: unknown): unknown {
    const error = toStoreError(thrown, path);
    if (error instanceof StoreError) onFailed(error.kind);
    return error;
  }

  function nextGroup(): readonly Job[] {
    const alone = waiting.findIndex(({ isAlone }) => isAlone);
    return waiting.splice(0, alone < 0 ? waiting.length : Math.max(alone, 1));
  }

  function flush(): void {
    while (waiting.length > 0) write(nextGroup());
  }

  /** Nearly all jobs: hardly any ever throws, so savepoints would cost more than a second run. */
  function runTogether({ run }: Job): true {
    try {
      run();
      return true;
    } catch (thrown) {
      throw database.isTransaction && !isOfDisk(thrown) ? new JobFailed(thrown) : thrown;
    }
  }

  /** Runs a job again, of a group of which one has thrown. Returns whether its work stays. */
  function runAlone({ run, reject }: Job): boolean {
    savepoint.run();
    try {
      run();
      release.run();
      return true;
    } catch (thrown) {
      // A full disk has undone the earlier jobs, too, or the statement alone. The job is not to blame.
      if (!database.isTransaction || isOfDisk(thrown)) throw thrown;
      undo.run();
      release.run();
      onUndone();
      reject(thrown);
      return false;
    }
  }

  /** Runs jobs as one transaction. If the disk refuses, it fails as a whole. */
  function write(jobs: readonly Job[], runJob: (job: Job) => boolean = runTogether): void {
    const needed = jobs.some(({ options }) => options.durability === "full") ? "full" : "normal";
    const named = jobs.flatMap((job) => job.options.name ? [{ job, name: job.options.name }] : []);
    let committed: readonly Job[];
    try {
      if (needed !== durability) database.exec(`PRAGMA synchronous = ${needed}`);
      durability = needed; // SQLite accepts the setting only between transactions
      begin.run();
      committed = jobs.filter(runJob);
      const passed = named.flatMap(({ job, name }) => committed.includes(job) ? [name] : []);
      for (const name of passed) crash("before", name);
      end.run();
      for (const name of passed) crash("after", name);
    } catch (thrown) {
      onUndone();
      if (database.isTransaction) database.exec("ROLLBACK"); // a full disk has done it already
      if (thrown instanceof JobFailed) return write(jobs, runAlone);
      const error = errorOf(thrown);
      for (const { reject } of jobs) reject(error);
      return;
    }
    if (committed.length > 0) writes += 1;
    for (const { resolve } of committed) resolve();
  }

  return {
    /** The database, for statements that run within `work`. */
    database,
    sql,
    /**
     * Runs `work` as one transaction.
     *
     * @param effects How it changes this process's memory. `onStored` is called at the moment it is
     * stored, before any other code runs. `isAlone`: it shares a commit with no other work, so
     * whatever is asked for later is decided with its effects. `removes`: words of people go, and the
     * log must not keep them for long.
     * @returns What `work` returned, once it is committed.
     * @throws {unknown} What `work` or the disk threw, with nothing stored.
     */
    commit<T>(
      options: CommitOptions,
      work: () => T,
      { onStored, isAlone = false, removes = false }: {
        readonly onStored?: (result: T) => void;
        readonly isAlone?: boolean;
        readonly removes?: boolean;
      } = {},
    ): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      if (isClosed) {
        reject(new Error("Cannot store anything: the store is closed"));
        return promise;
      }
      let result: { readonly value: T } | undefined;
      waiting.push({
        options,
        isAlone,
        run: () => void (result = { value: work() }),
        resolve() {
          if (!result) throw new TypeError("Work that has not run cannot be stored");
          onStored?.(result.value);
          if (removes) onRemoved();
          resolve(result.value);
        },
        reject: (reason) => reject(reason instanceof StoreError ? reason : errorOf(reason)),
      });
      if (waiting.length === 1) soon(flush);
      return promise;
    },
    /** Runs a statement that only reads. It sees all earlier work. */
    read: <T>(work: () => T): Promise<T> =>
      Promise.try(() => {
        if (!isClosed) flush();
        return work();
      }).catch((thrown: unknown) => {
        const error = toStoreError(thrown, path);
        if (error instanceof StoreError && error.kind === "damaged") onFailed(error.kind);
        throw error;
      }),
    /** Commits all waiting work now, and refuses later work. The database stays open. */
    close(): void {
      flush();
      isClosed = true;
    },
    /** Number of commits so far; it costs nothing to ask. */
    writes: (): number => writes,
  };
}

export type Transactions = ReturnType<typeof createCommits>;

/** One job of a group has thrown, and the transaction is still open. */
class JobFailed extends Error {
  override readonly name = "JobFailed";

  constructor(cause: unknown) {
    super("A job of a group has thrown", { cause });
  }
}

/**
 * A database that prepares each statement when it first runs.
 *
 * The store has some 460 statements. Preparing all of them takes 10 ms at each start, and a bot needs
 * a tenth of them for its first answer.
 */
export class LazyDatabase extends DatabaseSync {
  /** A wrong statement throws when it first runs, not here. */
  override prepare(sql: string): StatementSync {
    return new LazyStatement(() => super.prepare(sql));
  }
}

class LazyStatement implements StatementSync {
  readonly #prepare: () => StatementSync;
  #prepared: StatementSync | undefined;

  constructor(prepare: () => StatementSync) {
    this.#prepare = prepare;
  }

  get #statement(): StatementSync {
    return this.#prepared ??= this.#prepare();
  }

  // Each has two signatures, which a plain call of one could not pass on.
  #call(name: "all" | "get" | "iterate" | "run", parameters: readonly unknown[]) {
    return Reflect.apply(this.#statement[name], this.#statement, parameters);
  }

  all(...parameters: readonly unknown[]) {
    return this.#call("all", parameters);
  }

  get(...parameters: readonly unknown[]) {
    return this.#call("get", parameters);
  }

  iterate(...parameters: readonly unknown[]) {
    return this.#call("iterate", parameters);
  }

  run(...parameters: readonly unknown[]) {
    return this.#call("run", parameters);
  }

  columns() {
    return this.#statement.columns();
  }

  setAllowBareNamedParameters(isOn: boolean) {
    this.#statement.setAllowBareNamedParameters(isOn);
  }

  setAllowUnknownNamedParameters(isOn: boolean) {
    this.#statement.setAllowUnknownNamedParameters(isOn);
  }

  setReturnArrays(isOn: boolean) {
    this.#statement.setReturnArrays(isOn);
  }

  setReadBigInts(isOn: boolean) {
    this.#statement.setReadBigInts(isOn);
  }

  get expandedSQL() {
    return this.#statement.expandedSQL;
  }

  get sourceSQL() {
    return this.#statement.sourceSQL;
  }
}
