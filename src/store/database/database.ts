/**
 * Opens the database, the one file with all of Barnacle's persistent data.
 *
 * A file may be damaged, or written by a newer Barnacle. So a read-only connection checks it first.
 * If the check fails, every byte stays unchanged for a restore or for the newer binary.
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  assertRegularFiles,
  StoreError,
  syncDirectory,
  syncFile,
  toStoreError,
} from "./database_files.ts";
import { LazyDatabase } from "./commits.ts";
import { COLUMNS, columnsOf, migrate, MIGRATIONS, schemaOf } from "./migrations.ts";

/**
 * Oldest SQLite to use. In older versions, two connections that checkpoint at once can lose data
 * from the log.
 */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** How long to wait for another process (the CLI, a backup) to end its transaction. */
const BUSY_TIMEOUT_MS = 5_000;

const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;

/**
 * Memory for pages, as far as they are in use. A large commit changes more pages than the 2,000 KiB
 * of SQLite's default, so some would be written twice and read again.
 */
const CACHE_KIB = 4_000;

/**
 * Opens the database at `path`, readable by its owner only. Creates and migrates it if necessary.
 *
 * @param now Unix time in milliseconds; names the backup that precedes a migration.
 * @throws {StoreError} `damaged` or `newer`, with the file untouched; `unwritable` if the file
 * cannot be created or kept private, is no regular file, or is another program's or of a
 * development build; `full` or `unavailable` if the disk refuses.
 */
export function openDatabase(
  path: string,
  now: number,
  migrations: readonly string[] = MIGRATIONS,
): DatabaseSync {
  assertRegularFiles(path);
  prepareFile(path);
  try {
    assertNotEmptied(path);
    if (statSync(path).size > 0) inspect(path, migrations.length);
    else closeSync(openSync(unmade(path), "w", 0o600));
    const database = new LazyDatabase(path);
    try {
      configure(database, path);
      migrate(database, migrations, (schema) => backUp(path, schema, now));
      rmSync(unmade(path), { force: true });
      return database;
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    throw toStoreError(thrown, path);
  }
}

/**
 * Opens an existing database to read it, beside the process that writes.
 *
 * @throws {StoreError} As {@link openDatabase} does.
 */
export function openReader(path: string): DatabaseSync {
  try {
    assertRegularFiles(path);
    const database = new LazyDatabase(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return database;
  } catch (thrown) {
    throw toStoreError(thrown, path);
  }
}

/**
 * Whether an existing database has the newest schema, so that opening it changes nothing.
 *
 * @throws {StoreError} As {@link schemaIn} does, or `unavailable` by the disk.
 */
export function isCurrent(path: string): boolean {
  try {
    assertRegularFiles(path);
    return schemaIn(path) === MIGRATIONS.length;
  } catch (thrown) {
    throw toStoreError(thrown, path);
  }
}

/**
 * Reads the schema of a database that a bot has used.
 *
 * @throws {StoreError} As {@link schemaIfAny} does, and `unavailable` if it is empty.
 */
export function schemaIn(path: string): number {
  const schema = schemaIfAny(path);
  if (schema > 0) return schema;
  throw new StoreError(
    `The database ${path} is empty: no bot has run with it; set --data to the bot's, or start ` +
      "the bot",
    { kind: "unavailable", path },
  );
}

/**
 * Reads the schema of a database; 0 if it is empty. It looks at the file before SQLite does, which
 * would make a log for a file that lacks its own.
 *
 * @throws {StoreError} `damaged`, or `unwritable` if it belongs to another program or a development
 * build.
 */
export function schemaIfAny(path: string): number {
  assertNotEmptied(path);
  return inspect(path, Infinity);
}

/**
 * Creates the file with its mode, because SQLite gives its `-wal` and `-shm` the mode of the file.
 */
function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    accessSync(dirname(path), constants.W_OK); // SQLite's log and the backups are files beside it
    closeSync(openSync(path, "a", 0o600));
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch (cause) {
    const failure = toStoreError(cause, path);
    if (failure instanceof StoreError && failure.kind === "full") throw failure;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(
      `Cannot write the database ${path} (${reason}); ` +
        "make the user that runs Barnacle the owner of its directory, " +
        "or choose another directory with --data",
      { kind: "unwritable", path, cause },
    );
  }
}

/** Beside a database until it has its tables: so an empty one is new, after a full disk or a kill. */
const unmade = (path: string): string => `${path}.new`;

/** Bytes of SQLite's header. It takes a file of one byte for a new one. */
const HEADER_BYTES = 100;

/**
 * Refuses a file without content that once had some. SQLite would start with an empty database, and
 * pairings and waiting messages would be gone without a word.
 */
function assertNotEmptied(path: string): void {
  if (existsSync(unmade(path))) return;
  const { size } = statSync(path);
  if (size >= HEADER_BYTES) return assertHasLog(path);
  const name = basename(path);
  const remains = size > 0
    ? name
    : readdirSync(dirname(path)).find((file) =>
      file.startsWith(name) && (file.endsWith("-wal") || file.endsWith(".bak")) &&
      (statSync(join(dirname(path), file), { throwIfNoEntry: false })?.size ?? 0) > 0
    );
  if (remains === undefined) return;
  throw new StoreError(
    `The database ${path} is damaged: it has ${size} bytes` +
      (size > 0 ? "" : `, although ${remains} shows that it had content`) +
      ". It stays unchanged. `barnacle restore <file> --force` installs a backup, and keeps this " +
      "file; to start anew, choose another directory with --data",
    { kind: "damaged", path },
  );
}

/** Place of the format in SQLite's header, and its value for a file with a log. */
const FORMAT_AT = 18;
const WITH_LOG = 2;
const SCHEMA_AT = 60;

/**
 * Refuses a copy of the file without its log. While the bot runs, the log has everything, and the file
 * may have one empty page. A bot would take it for a new database.
 */
function assertHasLog(path: string): void {
  const header = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  const isEmpty = header.readUInt8(FORMAT_AT) === WITH_LOG && header.readUInt32BE(SCHEMA_AT) === 0;
  if (!isEmpty || existsSync(`${path}-wal`)) return;
  throw new StoreError(
    `The database ${path} is a copy without its log: ${basename(path)}-wal had its content. It ` +
      "stays unchanged. Copy the log, too, or make a backup with `barnacle backup`, and install it " +
      "with `barnacle restore <file> --force`",
    { kind: "damaged", path },
  );
}

/**
 * Reads a file's schema, and changes nothing.
 *
 * @throws {StoreError} If this Barnacle cannot use the file.
 */
export function inspect(path: string, newest: number): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const schema = schemaOf(database);
    if (schema > newest) {
      throw new StoreError(
        `A newer Barnacle wrote the database ${path}: it has schema ${schema}, and this Barnacle ` +
          `supports schemas up to ${newest}. Run the newer Barnacle, or restore an older backup`,
        { kind: "newer", path },
      );
    }
    const tables = database.prepare("SELECT name FROM sqlite_schema").all(); // the whole schema
    if (schema === 0 && tables.length > 0) {
      throw new StoreError(
        `The database ${path} belongs to another program. It stays unchanged; choose another ` +
          "directory with --data",
        { kind: "unwritable", path },
      );
    }
    const columns = COLUMNS[schema - 1];
    if (columns !== undefined && columnsOf(database) !== columns) {
      throw new StoreError(
        `The database ${path} is damaged, or a development build of Barnacle wrote it: it calls ` +
          `itself schema ${schema}, but has other columns. It stays unchanged. Put a backup in its ` +
          "place, run that build, or choose another directory with --data",
        { kind: "unwritable", path },
      );
    }
    return schema;
  } finally {
    database.close();
  }
}

/** Sets up a connection to the store. `commits.ts` sets the durability of each commit. */
function configure(database: DatabaseSync, path: string): void {
  const version = String(database.prepare("SELECT sqlite_version() AS v").get()?.["v"]);
  if (!isAtLeast(version, OLDEST_SQLITE)) {
    const oldest = OLDEST_SQLITE.join(".");
    throw new RangeError(`SQLite ${version} can lose data; use version ${oldest} or newer`);
  }
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal") {
    throw new StoreError(
      `The file system of ${path} cannot hold a database with a write-ahead log ` +
        "(network drives often cannot); choose a directory on a local disk with --data",
      { kind: "unwritable", path },
    );
  }
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON; -- costs no page more for a reply
    PRAGMA journal_size_limit = ${JOURNAL_LIMIT_BYTES};
    PRAGMA wal_autocheckpoint = 1000;
    PRAGMA cache_size = -${CACHE_KIB};
  `);
}

/**
 * Copies the log into the file and empties it. The log keeps words that were removed until then. It
 * waits for no other process.
 *
 * @returns Whether the log is empty: another process may read it.
 */
export function emptyLog(database: DatabaseSync): boolean {
  database.exec("PRAGMA busy_timeout = 0");
  try {
    return database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  }
}

/**
 * Compares the parts of a version as numbers; a missing part counts as 0.
 *
 * @param version `"3.53.4"`.
 */
function isAtLeast(version: string, oldest: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of oldest.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/**
 * Copies the database beside itself before a migration. If the copy fails, so does the migration
 * (X7). The migration's transaction is open by then, so a connection of its own reads.
 */
function backUp(path: string, schema: number, now: number): void {
  const stamp = new Date(now).toISOString().replace(/[-:.]/g, "");
  const part = `${path}.schema${schema}.part`;
  const clear = (): void => {
    for (const end of ["", "-journal"]) rmSync(`${part}${end}`, { force: true });
  };
  clear(); // files of a process that died during its backup
  closeSync(openSync(part, "wx", 0o600)); // SQLite fills an empty file and keeps its mode
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.prepare("VACUUM INTO ?").run(part);
    syncFile(part);
    // Named once it is complete: half a backup is worse than none.
    renameSync(part, `${path}.schema${schema}-${stamp}.bak`);
    syncDirectory(dirname(path));
  } catch (thrown) {
    clear();
    throw thrown;
  } finally {
    database.close();
  }
}
