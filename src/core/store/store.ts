/**
 * The contract of the store: its namespaces, and the types of its health, its failures and of
 * forgetting people.
 *
 * The contracts in this folder are declared once, with their docs. `store/` implements them; flows,
 * `bot/` and `cli/` take them, or a `Pick` of them. All methods that read or store are asynchronous,
 * so another database can replace SQLite. Only `Store.catchUp()` is synchronous.
 */

import type { StoredCalls } from "../calls/stored.ts";
import type { AccountId, UserId } from "../discord/ids.ts";
import type { Verdict } from "../inbound/verdict.ts";
import type { ToolChanges } from "./changes.ts";
import type { Feeds } from "./feeds.ts";
import type { GatewayRecords } from "./gateway.ts";
import type { HookRecords } from "../hooks/records.ts";
import type { Inbox } from "./inbox.ts";
import type { Notes, NoteVectors, Sources } from "./notes.ts";
import type { Outbox } from "./outbox.ts";
import type { Pairing } from "./pairing.ts";
import type { ActionRuns, Questions } from "./questions.ts";
import type { Knowledge, Received } from "./received.ts";
import type { Schedules } from "./schedules.ts";
import type { Sessions } from "./sessions.ts";
import type { StoredSettings } from "./settings.ts";
import type { Trends } from "./trends.ts";
import type { TurnRecords } from "./turns.ts";
import type { ModelProblems, Usage } from "./usage.ts";

/**
 * The methods of the store. A method that reads or stores
 * rejects with a `StoreError` if the disk or the file fails; nothing of its work is stored then.
 */
export interface Store {
  /** Accounts, gateway sessions, gaps and runs. */
  readonly gateway: GatewayRecords;
  /** Messages until a turn claims them. */
  readonly inbox: Inbox;
  /** Verdicts, policies and the record of each message. */
  readonly received: Received;
  /** Transcripts, context and the ends of turns. */
  readonly turns: TurnRecords;
  /** Conversations: their checkpoints, and their lists for the operator. */
  readonly sessions: Sessions;
  /** Messages on their way to Discord. */
  readonly outbox: Outbox;
  /** The use of models, and problems of models that the owners know. */
  readonly usage: Usage & ModelProblems;
  /** Paired people, pairing requests and resolved names. */
  readonly pairing: Pairing;
  /** Questions to people, and the turns that wait for them. */
  readonly questions: Questions;
  readonly forgetting: Forgetting;
  /** The agent's memory. */
  readonly notes: Notes & NoteVectors;
  /** What came from a message. */
  readonly sources: Sources;
  /** Messages that people search. */
  readonly knowledge: Knowledge;
  /** Destructive actions of tools. */
  readonly changes: ToolChanges;
  /** Settings that people change by commands. */
  readonly settings: StoredSettings;
  /** Reminders and scheduled tasks, with their runs. */
  readonly schedules: Schedules;
  /** Calls of programs. */
  readonly calls: StoredCalls;
  /** Events of other programs. */
  readonly hooks: HookRecords;
  readonly upkeep: StoreUpkeep;
  /** Figures for charts. */
  readonly trends: Trends;
  /** Runs of offered actions. */
  readonly actions: ActionRuns;
  /** Feeds of the web, and their entries. */
  readonly feeds: Feeds;
  /**
   * Reads the counts for health and metrics.
   *
   * @param stopped Accounts that do not run. Their waiting messages do not count as late, because
   * no account works on them.
   */
  health(stopped?: readonly AccountId[]): Promise<StoreFigures>;
  /**
   * Brings the tables up to date, for a reader that opens the file by itself.
   *
   * @throws {unknown} The error of SQLite or of the disk; the tables stay behind.
   */
  catchUp(): void;
  /** The newest failure of the disk or the file, unless there was none. Damage is final. */
  failure(): StoreFailure | undefined;
  /** Estimated bytes of each cache, by its name. */
  caches(): Readonly<Record<string, number>>;
  /** Number of commits since the store was opened; it costs nothing to ask. */
  writes(): number;
  /** Commits all work so far, and closes the file. Later work is refused. */
  close(): void;
}

/** Keeps the store small. */
export interface StoreUpkeep {
  /**
   * Deletes a bounded number of old records (X6).
   *
   * @returns Whether there may be more to delete.
   */
  prune(now: number): Promise<boolean>;
  /** The size of the store and the age of its records. */
  extent(): Promise<StoreExtent>;
}

/** The size of the store and the age of its records; times are Unix time in milliseconds. */
export interface StoreExtent {
  /** Bytes of the data, free pages included. */
  readonly bytes: number;
  /** Bytes of deleted data, which are used again. */
  readonly freeBytes: number;
  /** Time of the oldest message, transcript or answer; absent if there is none. */
  readonly oldestMessageAt?: number;
  /** Time of the oldest verdict; absent if there is none. */
  readonly oldestDecisionAt?: number;
}

/** The store's counts at one moment. */
export interface StoreFigures {
  /** Messages that a turn will answer or is answering. */
  readonly inbox: {
    readonly waiting: number;
    readonly running: number;
    /** Unix time in milliseconds at which the oldest waiting message was accepted. */
    readonly oldestWaitingAt?: number;
  };
  readonly outbox: {
    readonly pending: number;
    readonly sending: number;
    /** Messages that Discord may or may not have received. */
    readonly uncertain: number;
    /** Messages that Discord refuses for good. */
    readonly dead: number;
    /** Unsent messages in parked channels; neither pending nor sending, and not late. */
    readonly parked: number;
    readonly parkedChannels: number;
    /** Unix time in milliseconds at which the oldest that is pending or sending was frozen. */
    readonly oldestUnsentAt?: number;
  };
  /** Verdicts since the start, by kind and reason, in the order of their first occurrence. */
  readonly decisions: readonly DecisionCount[];
}

/** The count of one verdict with one reason. */
export interface DecisionCount {
  readonly verdict: Verdict["kind"];
  readonly why: Verdict["why"];
  /** Number of messages since the start, at least 1. */
  readonly count: number;
}

/** Forgets people. */
export interface Forgetting {
  /**
   * Removes every trace of a person, in one transaction, from the file and its log.
   * {@link Forgetting.vacuum} must follow, for texts that were deleted before.
   *
   * @returns `"open turns"`, with nothing changed, if such a turn waits or runs and `mayRun` is set.
   */
  forget(userId: UserId, mayRun: boolean): Promise<Forgotten | "open turns">;
  /** Whether a vacuum must follow, also after a restart. */
  isVacuumDue(): Promise<boolean>;
  /**
   * Writes the file anew, without deleted texts, and empties the log.
   *
   * @throws {unknown} SQLite's error, if another process uses the file for too long.
   */
  vacuum(): Promise<void>;
}

/** The rows that a forgotten person was in. */
export interface Forgotten {
  /** Number of deleted and of changed rows, by table; only tables with one. */
  readonly tables: Readonly<Record<string, { readonly deleted: number; readonly changed: number }>>;
}

/** A failure of the disk or of the database file. */
export interface StoreFailure {
  readonly kind: StoreErrorKind;
  /** Milliseconds since the failure. */
  readonly ageMs: number;
}

/**
 * The kinds of failure, with the next step of each.
 *
 * - `damaged`: the file is not a valid database; stop, ask the operator for a backup.
 * - `newer`: a newer Barnacle wrote it; stop, run that one.
 * - `unwritable`: the folder cannot be written to, or not kept private; stop, ask the operator.
 * - `full`: the disk is full; accept nothing, try again.
 * - `gone`: the file was removed or replaced during the run; stored data is lost when the process
 *   ends.
 * - `unavailable`: the disk or another process prevents access; accept nothing, try again.
 */
export type StoreErrorKind = "damaged" | "newer" | "unwritable" | "full" | "gone" | "unavailable";
