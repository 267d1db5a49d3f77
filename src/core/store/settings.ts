/**
 * The contract of `store.settings`: settings that people change by commands, pauses, the
 * conversations that the loop guard counts, alerts, and results of backups.
 */

import type { AlertRecord } from "../alerts.ts";
import type { AccountId, ChannelId, MessageId } from "../discord/ids.ts";
import type { ChosenSetting } from "../people/chosen.ts";

/** All methods of `store.settings`. */
export interface StoredSettings extends Pauses, LoopRuns, StoredAlerts, StoredBackups {
  /**
   * A setting; `undefined` if no person has changed it.
   *
   * @param scope Key of a session, id of a channel or of a model, or `"account"`.
   */
  settingOf(accountId: AccountId, scope: string, name: SettingName): Promise<string | undefined>;
  /**
   * A setting of turns, from memory: neither they nor decisions about messages wait for anything.
   *
   * @param scope Key of a session, or id of a channel or of a model.
   */
  known(
    accountId: AccountId,
    scope: string,
    name: ChosenSetting | "model" | "quiet" | "intent" | "prompt",
  ): string | undefined;
  /** Changes a setting; `undefined` removes it. */
  change(
    accountId: AccountId,
    scope: string,
    name: SettingName,
    value: string | undefined,
    now: number,
  ): Promise<void>;
}

/** Reads and changes pauses. */
export interface Pauses {
  /** Whether the account is paused, from memory: each turn asks. */
  isPaused(accountId: AccountId): boolean;
  /** The current pause, from the table; `undefined` if the account is not paused. */
  pauseOf(accountId: AccountId): Promise<Pause | undefined>;
  /**
   * Pauses an account, or lets it go on.
   *
   * @returns The pause afterwards, and whether it is another one than before.
   */
  changePause(
    accountId: AccountId,
    change: PauseChange,
    now: number,
  ): Promise<{ readonly pause: Pause | undefined; readonly isChanged: boolean }>;
}

/** Reads and keeps the alerts of the whole bot (O12). */
export interface StoredAlerts {
  /** The alerts on record. */
  alerts(): Promise<readonly AlertRecord[]>;
  /** Replaces the alerts on record. */
  keepAlerts(records: readonly AlertRecord[], now: number): Promise<void>;
}

/** Reads and keeps the results of backups (O11). */
export interface StoredBackups {
  /** The results so far. */
  backups(): Promise<BackupState>;
  /** Adds a result. A success removes the failure before it. */
  recordBackup(result: BackupAttempt): Promise<void>;
}

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

/** Fewer characters of a passphrase can be guessed by a person who has the backup. */
export const MIN_PASSPHRASE = 12;

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

/** Reads and keeps the counts of the loop guard (P11). */
export interface LoopRuns {
  /** The runs of an account, from memory. */
  loopRuns(accountId: AccountId): ReadonlyMap<ChannelId, LoopRun>;
  /**
   * Keeps a run, or removes it. The next transaction stores that, within 50 ms; no caller waits.
   */
  keepLoopRun(
    accountId: AccountId,
    channelId: ChannelId,
    run: LoopRun | undefined,
    now: number,
  ): void;
}

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

/** A pause of an account. */
export interface Pause {
  /** `"cli"`, or the user id of the owner. */
  readonly by: string;
  /** Unix time in milliseconds. */
  readonly since: number;
}

/** A change of the pause. */
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
 * registered, its presence, the newest `/restart`, until when the bot is quiet in a channel, the limits
 * and outcomes of the intent filter there, and those with a command of their own.
 */
export type SettingName =
  | "model"
  | "commandGuild"
  | "presence"
  | "restartedBy"
  | "quiet"
  | "intent"
  | "prompt"
  | ChosenSetting;
