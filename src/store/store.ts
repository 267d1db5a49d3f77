/**
 * The store: one file, one writer, and every port of it in one place.
 *
 * Each method is all or nothing. Some wait for a commit, some answer from memory
 * (`memory.ts`). The ports are asynchronous, because another
 * database may come behind them; nothing relies on this one being in the process.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { type Accounts, createAccounts } from "./gateway/accounts.ts";
import { type Batches, createBatches } from "./transactions/batches.ts";
import { type Commits, createCommits } from "./database/commits.ts";
import { type Context, createContext } from "./received/context.ts";
import { openDatabase } from "./database/database.ts";
import { createDecisions, type Decisions } from "./received/decisions.ts";
import { createDirectChannels, type DirectChannels } from "./received/direct_channels.ts";
import { createDiscordAnswers, type DiscordAnswers } from "./gateway/discord_answers.ts";
import { createMessageRecords, type MessageRecords } from "./transactions/message_record.ts";
import { prepareFactRows } from "./received/fact_rows.ts";
import { createFigures, type Figures } from "./figures.ts";
import { createGaps, type Gaps } from "./gateway/gaps.ts";
import { createGatewaySessions, type GatewaySessions } from "./gateway/sessions.ts";
import { createGuilds, type Guilds } from "./gateway/guilds.ts";
import { createIdentifies, type Identifies } from "./gateway/identifies.ts";
import { createInbox, type Inbox } from "./received/inbox.ts";
import {
  createInvalidRequestCounts,
  type InvalidRequestCounts,
} from "./outbox/invalid_requests.ts";
import { createMemory } from "./memory/memory.ts";
import { createOtherWriters, type OtherWriters } from "./database/other_writers.ts";
import { createOutbox, type Outbox } from "./outbox/outbox.ts";
import { createPairings, type Pairings } from "./pairing/pairings.ts";
import { createStoreOwner, type StoreOwner } from "./gateway/store_owner.ts";
import { createPolicies, type Policies } from "./received/policies.ts";
import { createProxiedUsers, type ProxiedUsers } from "./received/proxied_users.ts";
import { createResolvedNames, type ResolvedNames } from "./pairing/resolved_names.ts";
import { DEFAULT_RETENTION, preparePruner, type Retention } from "./received/retention.ts";
import { createRuns, type Runs } from "./gateway/runs.ts";
import type { CrashHooks } from "./database/durability.ts";
import { createTranscripts, type Transcripts } from "./memory/transcripts.ts";
import { createTurnEnds, type TurnEnds } from "./transactions/turn_ends.ts";
import { createUndecided, type UndecidedMessages } from "./transactions/undecided.ts";
import { prepareVerdictBlocks } from "./received/verdict_blocks.ts";
import { watchFile } from "./database/watch_file.ts";

/** Fits `AcceptStore` and `AnswerStore`; its `outbox` fits what `deliver` and its lanes ask. */
export interface Store
  extends
    Accounts,
    Batches,
    Context,
    Decisions,
    DirectChannels,
    DiscordAnswers,
    MessageRecords,
    Gaps,
    GatewaySessions,
    Guilds,
    Identifies,
    Inbox,
    InvalidRequestCounts,
    OtherWriters,
    StoreOwner,
    Policies,
    ProxiedUsers,
    ResolvedNames,
    Runs,
    Transcripts,
    TurnEnds,
    UndecidedMessages,
    Pick<Figures, "health"> {
  readonly outbox: Outbox;
  /** Brings the tables up to date, for what looks at the file by itself. */
  catchUp(): void;
  readonly pairing: Pairings;
  /** Estimated bytes of what is kept in memory to save reads, by name. */
  caches(): Readonly<Record<string, number>>;
  /** Commits what is asked for so far, and closes the file; what comes later is refused. */
  close(): void;
}

export interface StoreOptions {
  /** Milliseconds of a clock that never goes back: `performance.now`. */
  readonly elapsed: () => number;
  /** Told after each commit. */
  readonly onCommitted?: () => void;
  /** A test's, that ends the process on its way. */
  readonly crash?: CrashHooks;
  readonly retention?: Retention;
  /** Leaves the journal as it is: what a bot stored last is not seen. */
  readonly isReadOnly?: boolean;
  /** Told of a journaled record that the tables did not take, and that stays in the journal. */
  readonly onRefused?: (kind: string, error: unknown) => void;
}

const NO_CRASH: CrashHooks = { before() {}, after() {} };

/**
 * Opens the store at `path`, made and migrated where need be. Whoever calls
 * holds the lock of the data directory, so that nobody else has it open to write.
 *
 * @throws {StoreError} As `openDatabase` does.
 */
export function openStore(
  path: string,
  options: StoreOptions & {
    /** Unix time in milliseconds. */
    readonly now: number;
  },
): Store {
  return createStore(openDatabase(path, options), path, options);
}

/**
 * The store over an open and migrated database, which it closes with itself.
 *
 * @param path Its file, for the messages of errors.
 */
export function createStore(
  database: DatabaseSync,
  path: string,
  {
    elapsed,
    onCommitted,
    crash = NO_CRASH,
    retention = DEFAULT_RETENTION,
    isReadOnly = false,
    onRefused = () => {}, // a test's, that looks into the journal itself
  }: StoreOptions,
): Store {
  const factRows = prepareFactRows(database, { elapsed });
  const verdicts = prepareVerdictBlocks(database, factRows);
  const memory = createMemory(database);
  const own = createCommits(database, {
    path,
    crash,
    onUndone() {
      factRows.forget();
      verdicts.forget();
      memory.forget();
      transcripts.forget();
    },
    onRefused,
  });
  const commits = onCommitted ? telling(own, onCommitted) : own;
  const transcripts = createTranscripts(database, commits);
  const pruner = preparePruner(database, retention, factRows);
  const figures = createFigures(database, commits);
  const judging = { memory, verdicts, pruner, onRecorded: figures.count };
  const sessions = createGatewaySessions(database, commits, { pruner, elapsed });
  const assertThere = watchFile(path);
  const batches = createBatches(database, commits, judging);
  const turnEnds = createTurnEnds(database, commits, { memory, transcripts });
  const outbox = createOutbox(database, commits, memory.outgoing);
  if (!isReadOnly) commits.recover();
  return {
    ...createAccounts(database, commits),
    ...batches,
    ...createContext(database, commits, pruner, memory.quiet),
    ...createDecisions(database, commits),
    ...createDirectChannels(database, commits),
    ...createDiscordAnswers(database, commits),
    ...createMessageRecords(database, commits),
    ...createGaps(database, commits),
    ...sessions,
    async touchAlive(...heard) {
      assertThere();
      return await sessions.touchAlive(...heard);
    },
    ...createGuilds(database, commits),
    ...createIdentifies(database, commits),
    ...createInbox(database, commits, memory.claims, memory.outgoing),
    ...createInvalidRequestCounts(database, commits),
    ...createOtherWriters(database),
    ...createStoreOwner(database, commits, verdicts, memory),
    ...createPolicies(database, commits, retention),
    ...createProxiedUsers(database, commits),
    ...createResolvedNames(database, commits),
    ...createRuns(database, commits),
    entriesOf: transcripts.entriesOf,
    ...turnEnds,
    ...createUndecided(database, commits, judging),
    health: figures.health,
    outbox,
    catchUp: commits.catchUp,
    pairing: createPairings(database, commits, memory.outgoing),
    caches: () => ({
      ...memory.caches(),
      transcripts: transcripts.bytes(),
      verdicts: verdicts.bytes(),
      facts: factRows.bytes(),
    }),
    close() {
      commits.close();
      database.close();
    },
  };
}

function telling(commits: Commits, onCommitted: () => void): Commits {
  return {
    ...commits,
    async commit(terms, work) {
      const result = await commits.commit(terms, work);
      onCommitted();
      return result;
    },
  };
}
