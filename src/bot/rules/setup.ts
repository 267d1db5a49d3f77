/**
 * What a bot goes by: its config, and what each account needs to connect.
 *
 * A reload makes another one of these, whole; nothing is ever changed in one (C9).
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { Model } from "../../core/model.ts";

/** What an account needs beside the config. */
export interface Account {
  readonly token: string;
  readonly model: Model;
  /** Base of Discord's REST API, or of the server in its place. */
  readonly apiBase: string;
}

export interface Setup {
  readonly config: BotConfig;
  /** The config file with its secrets blanked, for the record of what was decided by it. */
  readonly text?: string;
  /** Those that are to connect; one that is disabled is not there (C7). */
  readonly accounts: ReadonlyMap<AccountId, Account>;
}
