/** The interface of an account: its start options, its ports, and its methods while it runs. */

import type { Env } from "../lib/env.ts";
import type { Config } from "../config/config.ts";
import type { AccountId, UserId } from "../core/discord/ids.ts";
import type { InvalidRequests } from "../core/discord/invalid_requests.ts";
import type { Self } from "../core/inbound/inbound.ts";
import type { EarlyThread } from "../discord/gateway/main/early_thread.ts";
import type { AnswerHooks } from "../discord/rest/exchange/exchange.ts";
import type { OurAccount, OurView } from "../flows/judging/routing.ts";
import type { ProcessMemory } from "../flows/process_memory.ts";
import type { TurnLimit } from "../flows/turn/control/turn_limit.ts";
import type { Logging } from "../log.ts";
import type { ProcessMedia } from "./process_media.ts";
import type { BotExtra } from "./bot_extra.ts";
import type { AccountEnd } from "./account_end.ts";
import type { Chance } from "./account_context.ts";
import type { AccountHealth, AccountParts } from "../http/monitor/account_health.ts";
import type { Meter } from "../http/monitor/meters.ts";
import type { AccountSetup, ReloadedSetup } from "./rules/setup.ts";
import type { ToolServices } from "./rules/tool_services.ts";
import type { StoredAccount } from "../core/store/gateway.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../lib/clock.ts";

/** A link that logs an owner in to the dashboard once (O6). */
export type DashboardLink =
  | {
    readonly kind: "link";
    /** With the token behind its `#`, which no browser sends anywhere. */
    readonly url: string;
    readonly validSec: number;
  }
  /** `off`: `http.dashboard` is off. `none`: the bot has no HTTP server. */
  | { readonly kind: "off" | "none" };

/** The facts and settings that an account starts with. */
export interface AccountOptions extends AccountSetup {
  readonly config: Config;
  /** The config file's text with its secrets blanked. */
  readonly text?: string;
  readonly store: Store;
  readonly dataDir: string;
  readonly logging: Logging;
  readonly version: string;
  /** Whether to log every gateway event. */
  readonly isConnectionDebug: boolean;
  readonly workerUrl: URL;
  readonly toolServices: () => Promise<ToolServices>;
  /** The gateway thread, loaded ahead. */
  readonly thread?: EarlyThread;
  readonly media: ProcessMedia;
  /** The process environment, for proxies and the host's name (G15). */
  readonly env: Env;
  /** Counts requests that Discord holds against the address, of all accounts. */
  readonly invalidRequests: InvalidRequests;
  readonly stored: StoredAccount;
  /** Parts of the account that it does not know by name. */
  readonly extras: readonly BotExtra[];
  readonly dashboardLink: () => Promise<DashboardLink>;
  /** A test uses it to end the process at a chosen point. */
  readonly crashHooks?: AnswerHooks;
}

/** The account's dependencies on the rest of the process. */
export interface AccountPorts extends Clock {
  readonly health: AccountHealth;
  readonly meter: Meter;
  readonly turnLimit: TurnLimit;
  readonly memory: ProcessMemory;
  readonly isOurs: (userId: UserId) => boolean;
  /** All enabled accounts of this process, in the order of the config. */
  readonly ours: () => readonly OurAccount[];
  /** Whether the config has no other account, a disabled one included. */
  readonly isOnly: () => boolean;
  /** Shows the account to the others (N2). */
  readonly publish: (view: OurView) => void;
  /** Tells all accounts of rows that this one has changed for them: they share a memory (X5). */
  readonly changedInAll: RunningAccount["changedByCommand"];
  /** The account is online for the first time in this process. */
  readonly onOnline: (online: Online) => void;
  readonly onEnd: (end: AccountEnd) => void;
  /** Replaces clock and chance in a test. */
  readonly chance?: Chance;
}

export interface Online {
  readonly accountId: AccountId;
  readonly bot: Pick<Self, "userId" | "username">;
  readonly guilds: readonly string[];
  /** Ids of its agents' models, each once. */
  readonly models: readonly string[];
}

export interface RunningAccount extends AccountParts {
  readonly accountId: AccountId;
  /** The bot's user id at Discord; `undefined` until it is known. */
  userId(): UserId | undefined;
  /**
   * Applies another config. Turns that have begun finish with their old config (C9). The connection
   * keeps its settings: changing these takes a restart of the account.
   */
  apply(config: Config, account: ReloadedSetup, text: string | undefined): Promise<void>;
  /** A command has changed rows of a namespace; `forgotten` is the person whom it has forgotten. */
  changedByCommand(namespace: keyof Store, forgotten?: UserId): void;
  /** Sends a notice to the owners; never fails, but logs. */
  tellOwners(text: string): void;
  /** Sends a notice to the owners; rejects if none could be reached. @returns Their number. */
  reachOwners(text: string): Promise<number>;
  /**
   * Takes no new turn, lets running ones end, sends finished replies, and closes resumable (G12).
   */
  stop(): Promise<void>;
}
