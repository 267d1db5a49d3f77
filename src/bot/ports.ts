/**
 * What an account needs to be started, and what can be asked of one that runs.
 *
 * @module
 */

import type { Config } from "../config/config.ts";
import type { AccountId, UserId } from "../core/discord/ids.ts";
import type { InvalidRequests } from "../core/discord/invalid_requests.ts";
import type { Model } from "../core/model.ts";
import type { EarlyThread } from "../discord/gateway/main/early_thread.ts";
import type { AnswerHooks } from "../discord/rest/exchange/exchange.ts";
import type { TurnRoom } from "../flows/turn/turn_room.ts";
import type { Logging } from "../log.ts";
import type { StoredAccount } from "../store/gateway/accounts.ts";
import type { Store } from "../store/store.ts";
import type { AccountEnd } from "./health/account_end.ts";
import type { AccountParts, AccountVitals } from "./health/account_vitals.ts";
import type { Meter } from "./health/meters.ts";
import type { Account } from "./rules/setup.ts";

export interface AccountOptions extends Account {
  readonly config: Config;
  /** The config file with its secrets blanked. */
  readonly text?: string;
  readonly store: Store;
  readonly logging: Logging;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly isConnectionDebug: boolean;
  /** Of the gateway's thread. */
  readonly workerUrl: URL;
  /** That thread, loaded ahead. */
  readonly thread?: EarlyThread;
  /** For what it says of proxies and of the host (G15). */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all accounts together. */
  readonly invalidRequests: InvalidRequests;
  /** What the store knows of it. */
  readonly stored: StoredAccount;
  /** A test's, that ends the process on its way. */
  readonly crashHooks?: AnswerHooks;
}

export interface AccountPorts {
  readonly vitals: AccountVitals;
  readonly meter: Meter;
  /** Shared with the other accounts. */
  readonly room: TurnRoom;
  /** Whether an account of this process has that user. */
  readonly isOurs: (userId: UserId) => boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** The account cannot go on. */
  readonly onEnd: (end: AccountEnd) => void;
}

export interface RunningAccount extends AccountParts {
  readonly accountId: AccountId;
  /** Who we are at Discord; `undefined` until that is known. */
  userId(): UserId | undefined;
  /**
   * Goes by another config from now on; what was begun goes on by the one it began with (C9). Of
   * what the connection is made with, nothing changes: that takes another start.
   */
  apply(config: Config, model: Model, text: string | undefined): Promise<void>;
  /** Estimated bytes of what it keeps in memory to save work, by name; computed when asked for. */
  caches(): Readonly<Record<string, number>>;
  /** Another process has written to the store. */
  changedElsewhere(): void;
  /** Takes no new turn, lets running ones end, sends what is ready, closes resumable (G12). */
  stop(): Promise<void>;
}
