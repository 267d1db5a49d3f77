/**
 * Values of the store: its health and failures, forgotten people, pauses, counts of the loop guard,
 * results of backups, and names of settings.
 */

import type { ChosenSetting } from "../config_file.ts";
import type { MessageId } from "../discord/ids.ts";
import type { Verdict } from "../inbound/inbox.ts";

/** The newest results of backups. */
export interface BackupState {
  /** Unix time in milliseconds of the first start that makes backups; absent before it. */
  readonly since?: number;
  /** The newest success, also of a backup by hand. */
  readonly made?: Extract<BackupAttempt, { readonly kind: "made" }>;
  /** Paths of backups outside of the data directory, oldest first: the newest {@link MAX_ELSEWHERE}. */
  readonly elsewhere?: readonly string[];
  /** The newest attempt, if it failed. */
  readonly failed?: Extract<BackupAttempt, { readonly kind: "failed" }>;
}

/** Backups outside of the data directory that the store knows (X5). */
export const MAX_ELSEWHERE = 64;

/** The result of an attempt; `first`: none was due yet. Times are Unix times in milliseconds. */
export type BackupAttempt =
  | { readonly kind: "first"; readonly at: number }
  | {
    readonly kind: "made";
    readonly at: number;
    readonly path: string;
    readonly bytes: number;
    /** Whether it is outside of the data directory. */
    readonly isElsewhere?: boolean;
  }
  | { readonly kind: "failed"; readonly at: number; readonly why: string };

/** The messages by bots in a channel since the last one by a person, or since the last mute. */
export interface LoopRun {
  /** How many they are. */
  readonly length: number;
  /** How many of them other bots wrote. */
  readonly bots: number;
  /** How many of these ask the bot: they get an answer, or would get one. */
  readonly asked: number;
  /** Answers that are not posted yet, also one to the person before them. */
  readonly owed: number;
  /** How many messages follow our own last one; absent if none is ours. */
  readonly sinceOurs?: number;
  /** Mutes since a person wrote that ended an exchange: each doubles the next one. */
  readonly mutes: number;
  /** Unix time in milliseconds from which the mute counts; absent if Barnacle answers bots. */
  readonly mutedAt?: number;
  /** The newest message that is counted. */
  readonly newest?: MessageId;
  /** Whether the owners know of the mute. */
  readonly isTold?: boolean;
}

export interface Pause {
  /** `"cli"`, or the user id of the owner. */
  readonly by: string;
  /** Unix time in milliseconds. */
  readonly since: number;
}

export interface PauseChange {
  /** Whether the account is paused from now on; `other`: if it is not paused now. */
  readonly to: boolean | "other";
  /** `"cli"`, or the user id of the owner. */
  readonly by: string;
  /** Id of the command; one with the same id as the last change changes nothing. */
  readonly callId?: string;
}

/**
 * Names of the settings: the model of a conversation, the guild in which an account's commands are
 * registered, its presence, the newest `/restart`, the form of a model's prompt (T2a), and those with a
 * command of their own.
 */
export type SettingName =
  | "model"
  | "commandGuild"
  | "presence"
  | "restartedBy"
  | "prompt"
  | ChosenSetting;

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

export interface DecisionCount {
  readonly verdict: Verdict["kind"];
  readonly why: Verdict["why"];
  /** Number of messages since the start, at least 1. */
  readonly count: number;
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
