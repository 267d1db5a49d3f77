/**
 * Declares the setup of a bot: its config, and each account's facts for connecting.
 *
 * A reload creates a whole new setup; a setup never changes (C9).
 */

import { type BotConfig, type Config, forAccount } from "../../config/config.ts";
import type { ConfigFile } from "../../core/config_file.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import type { Model, ModelChoices, RefusedPart } from "../../core/model.ts";
import type { Transcription, Voice } from "../../flows/media/files.ts";
import type { Drawing } from "../../flows/tools/made_files.ts";
import type { RealtimeServer } from "../../providers/other_apis/realtime.ts";

/** Speech in, and speech out; each is absent if the config names no model for it. */
export interface Speech {
  /** Hears voice messages. */
  readonly transcription?: Transcription;
  /** Speaks answers. */
  readonly voice?: Voice;
  /** Hears and speaks in calls (V6). */
  readonly realtime?: RealtimeServer;
}

/** The models that answer. Agents with equal models share them. */
export interface AnsweringModels {
  /** Ids of the agents' first models, each once; that of the first agent leads. */
  readonly ids: readonly string[];
  /** The model of an agent; of the first one for an id that the config no longer has. */
  of(agentId: string): Model;
  /** The parts of requests that their servers have refused. */
  refused(): readonly RefusedPart[];
  /** Checks whether each of them can be asked, without a question to it. */
  check(): Promise<readonly Finding[]>;
}

/** An account's facts beside the config. */
export interface AccountSetup {
  readonly token: string;
  readonly models: AnsweringModels;
  /** Further models that people may choose; absent: none. */
  readonly choices?: ModelChoices;
  /** Reads and changes the config file, for `/config`; absent: there is no file. */
  readonly configFile?: ConfigFile;
  /** Speech in, and speech out; absent: neither. */
  readonly speech?: Speech;
  /** Draws images; absent: no model does. */
  readonly drawing?: Drawing;
  /** Base URL of Discord's REST API, or of another server. */
  readonly apiBase: string;
}

export interface Setup {
  readonly config: BotConfig;
  /** The config file's text with its secrets blanked, for the record of verdicts. */
  readonly text?: string;
  /** The enabled accounts (C7). */
  readonly accounts: ReadonlyMap<AccountId, AccountSetup>;
}

/** The part of the setup for one account. */
export interface OwnSetup extends AccountSetup {
  readonly config: Config;
  /** As {@link Setup.text}. */
  readonly text?: string | undefined;
}

/** Picks it; `undefined` if the account is disabled or missing. */
export function ownSetupOf(setup: Setup, accountId: AccountId): OwnSetup | undefined {
  const account = setup.accounts.get(accountId);
  const discord = setup.config.accounts.find((one) => one.accountId === accountId);
  return account && discord &&
    { ...account, config: forAccount(setup.config, discord), text: setup.text };
}

/** Whether the log includes every gateway event. */
export function isVerbose({ log }: { readonly log: BotConfig["log"] }): boolean {
  return log.level === "connection_debug";
}

/** The part of it that a reload replaces. */
export interface RunningSettings {
  config: Config;
  /** As {@link Setup.text}. */
  text: string | undefined;
  models: AnsweringModels;
  /** Hears and speaks; without parts if none is configured. */
  speech: Speech;
  /** Draws images; `undefined` if none is configured. */
  drawing: Drawing | undefined;
  /** Other models that people may choose. */
  choices: ModelChoices | undefined;
  /** Reads and changes the config file. */
  configFile: ConfigFile | undefined;
}

/** The settings that an account starts with, or that a reload brings. */
export function settingsOf(
  { config, text, models, speech = {}, drawing, choices, configFile }: OwnSetup,
): RunningSettings {
  return { config, text, models, speech, drawing, choices, configFile };
}
