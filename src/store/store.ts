/**
 * The store: one file, one writer, and a namespace for each topic.
 *
 * Each method is all or nothing. Some wait for a commit, some answer from memory
 * (`memory/memory.ts`). The returned objects of the factories are the contracts: `Store` is inferred
 * from them. Flows and `bot/` import these types, or take a `Pick` of them.
 *
 * Each factory of this folder takes a database that is open, migrated, and owned by its caller.
 */

import { dirname, join } from "node:path";
import { createNotes } from "./notes/notes.ts";
import type { DatabaseSync } from "node:sqlite";
import { createEmitter } from "../lib/emitter.ts";
import { createChanges } from "./changes/changes.ts";
import { createCommits } from "./database/commits.ts";
import { openDatabase, openReader } from "./database/database.ts";
import type { CrashHooks } from "./database/commits.ts";
import { toStoreError } from "./database/store_error.ts";
import { watchFile } from "./database/database_files.ts";
import { createFigures, createUpkeep } from "./figures.ts";
import { createForgetting, noteForgotten } from "./forget/forget.ts";
import { createGateway } from "./gateway/gateway.ts";
import { createHooks } from "./hooks/hooks.ts";
import { createInbox, prepareVerdictRows } from "./inbox/inbox.ts";
import { createMemory } from "./memory/memory.ts";
import { createTurns, prepareInboxRows } from "./turns/turns.ts";
import { createUsage, prepareUsageRows } from "./usage/usage.ts";
import { createOutbox } from "./outbox/outbox.ts";
import { createPairing } from "./pairing/pairing.ts";
import { createQuestions } from "./questions/questions.ts";
import { createStoredMessages } from "./messages/messages.ts";
import { DEFAULT_RETENTION, preparePruner, type Retention } from "./messages/retention.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createSettings } from "./settings/settings.ts";
import { createFeatures } from "../features/stored.ts";
import { createTranscripts } from "./turns/transcripts.ts";
import type { TurnTables } from "./turns/turns.ts";
import { createVoice } from "./voice/voice.ts";
import type { UserId } from "../core/discord/ids.ts";
import type { StoreErrorKind, StoreFailure } from "../core/store/store.ts";

/** Everything that the store needs from outside. */
export interface StoreOptions {
  /** Milliseconds of a clock that never goes back: `performance.now`. */
  readonly elapsed: () => number;
  /** Hooks of a test that ends the process there. */
  readonly crash?: CrashHooks;
  /** How long the store keeps records; {@link DEFAULT_RETENTION} by default. */
  readonly retention?: Retention;
}

/** The file with hashes of forgotten people; `host/` names it, too. */
const FORGOTTEN = "forgotten.jsonl";
const NO_CRASH: CrashHooks = { before() {}, after() {} };

const prepareTables = (database: DatabaseSync): TurnTables => ({
  inbox: prepareInboxRows(database),
  usage: prepareUsageRows(database),
});

/**
 * Opens the store at `path`, and creates or migrates it if necessary. The caller holds the lock of
 * the data directory, so no other process writes to the store.
 *
 * @throws {StoreError} As `openDatabase` and {@link createStore} do.
 */
export function openStore(path: string, options: StoreOptions & { readonly now: number }): Store {
  const database = openDatabase(path, options.now);
  try {
    return createStore(database, path, options);
  } catch (thrown) {
    database.close();
    throw toStoreError(thrown, path);
  }
}

/**
 * Opens the store of another process to read it.
 *
 * @throws {StoreError} If the file cannot be read.
 */
export function openStoreReader(path: string, options: StoreOptions): Store {
  const database = openReader(path);
  try {
    return createStore(database, path, options);
  } catch (thrown) {
    database.close();
    throw toStoreError(thrown, path);
  }
}

/**
 * Creates the store over an open and migrated database. Closing the store closes the database.
 *
 * @param path Path of the database file, for error messages.
 */
export function createStore(
  database: DatabaseSync,
  path: string,
  { elapsed, crash = NO_CRASH, retention = DEFAULT_RETENTION }: StoreOptions,
) {
  const verdicts = prepareVerdictRows(database);
  const memory = createMemory(database);
  let failure: { readonly kind: StoreErrorKind; readonly at: number } | undefined;
  const tables = prepareTables(database);
  const undo = createEmitter<{ undone(): void }>();
  const commits = createCommits(database, {
    path,
    crash,
    onFailed(kind) {
      if (failure?.kind !== "damaged") failure = { kind, at: elapsed() };
    },
    onUndone: () => undo.emit.undone(),
  });
  const transcripts = createTranscripts(commits);
  undo.connect({
    undone() {
      for (const cache of [memory, transcripts]) cache.forget();
    },
  });
  const pruner = preparePruner(database, retention, transcripts.forget);
  const figures = createFigures(commits);
  const kept = { memory, verdicts, pruner, transcripts };
  const inboxDeps = { ...kept, inbox: tables.inbox, onRecorded: figures.count };
  const settings = createSettings(commits);
  const forgetting = createForgetting(
    commits,
    memory,
    (userId) => {
      if (path !== ":memory:") noteForgotten(join(dirname(path), FORGOTTEN), userId, Date.now());
    },
  );
  /** After a person was forgotten, rows that memory has by their number are gone (X5). */
  const forgetRows = (): void => {
    memory.apply({ kind: "undone" }); // waiting messages may quote the person
    transcripts.forget();
    memory.quiet.forget();
    memory.direct.clear();
    settings.readAgain();
  };
  const namespaces = {
    /** Accounts, gateway sessions, gaps and runs. */
    gateway: createGateway(commits, pruner, memory, elapsed, watchFile(path)),
    /** Messages until a turn claims them. */
    inbox: createInbox(commits, inboxDeps),
    /** Verdicts, policies and the record of each message. */
    messages: createStoredMessages(commits, retention),
    turns: createTurns(commits, memory, pruner, transcripts, tables),
    /** Conversations: their checkpoints, and their lists for the operator. */
    sessions: createSessions(commits, transcripts),
    outbox: createOutbox(commits),
    /** The use of models, and problems of models that the owners know. */
    usage: { ...createUsage(commits, memory.spent, tables.usage) },
    /** Paired people, pairing requests and resolved names. */
    pairing: createPairing(commits),
    /** Questions to people, and the turns that wait for them. */
    questions: createQuestions(commits, memory, tables.usage),
    forgetting: {
      ...forgetting,
      async forget(userId: UserId, mayRun: boolean) {
        const forgotten = await forgetting.forget(userId, mayRun);
        if (forgotten !== "open turns") forgetRows();
        return forgotten;
      },
    },
    /** The agent's memory. */
    notes: createNotes(commits),
    changes: createChanges(commits),
    /** Settings that people change by commands. */
    settings,
    ...createFeatures(commits),
    hooks: createHooks(commits),
    upkeep: createUpkeep(commits, pruner),
    voice: createVoice(commits),
  };
  return {
    ...namespaces,
    health: figures.health,
    /** The newest failure of the disk or the file, unless there was none. Damage is final. */
    failure: (): StoreFailure | undefined =>
      failure && { kind: failure.kind, ageMs: elapsed() - failure.at },
    /** Number of commits since the store was opened; it costs nothing to ask. */
    writes: commits.writes,
    /** Commits all work so far, and closes the file. Later work is refused. */
    close() {
      commits.close();
      database.close();
    },
  };
}

/**
 * The methods of the store. A method that reads or stores rejects with a `StoreError` if the disk or
 * the file fails; nothing of its work is stored then.
 */
export type Store = ReturnType<typeof createStore>;
