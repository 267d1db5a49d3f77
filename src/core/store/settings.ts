/** The contract of `store.settings`: settings that people change by commands, and pauses. */

import type { AccountId } from "../discord/ids.ts";
import type { ChosenSetting } from "../people/chosen.ts";

/** All methods of `store.settings`. */
export interface StoredSettings extends Pauses {
  /**
   * A setting; `undefined` if no person has changed it.
   *
   * @param scope Key of a session, id of a channel, or `"account"`.
   */
  settingOf(accountId: AccountId, scope: string, name: SettingName): Promise<string | undefined>;
  /**
   * A setting of turns, from memory: neither they nor decisions about messages wait for anything.
   *
   * @param scope Key of a session, or id of a channel.
   */
  known(
    accountId: AccountId,
    scope: string,
    name: ChosenSetting | "model" | "quiet" | "intent",
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
  | ChosenSetting;
