/**
 * Declares the one object of a bot account, which every flow and feature takes as its first parameter.
 *
 * It has what a test replaces (the models, Discord, clock and chance), the store, and what the config
 * says at the moment. It has no functions of features: a feature imports those of another one, and
 * passes the account on. This module has types alone, so anything may name the account without loading
 * it.
 */

import type { AccountEnd } from "../bot/account_end.ts";
import type { RunningAccount } from "../bot/account/running.ts";
import type { ProcessMedia } from "../bot/process_media.ts";
import type { BotOptions } from "../bot.ts";
import type { Config } from "../config/config.ts";
import type { AccountId } from "../core/discord/ids.ts";
import type { Self } from "../core/inbound/inbound.ts";
import type { StoredAccount } from "../store/gateway/gateway.ts";
import type { Reader } from "../discord/gateway/read/reader.ts";
import type { VoiceIndex } from "../discord/gateway/read/voice_index.ts";
import type { RestClient } from "../discord/rest/client/client.ts";
import type { AccountHealth, HealthMonitor, Meter } from "../http/monitor/health_monitor.ts";
import type { Clock, StartTimer } from "../lib/clock.ts";
import type { Hold } from "../lib/hold.ts";
import type { Log } from "../lib/log.ts";
import type { Connection } from "../flows/connection/connection.ts";
import type { CurrentPolicy, OurView, PolicyKeeper } from "../flows/judging/judge.ts";
import type { ProcessMemory } from "../flows/process_memory.ts";
import type { Store } from "../store/store.ts";
import type { RunningSettings, Setup } from "../bot/rules/setup.ts";
import type { ToolServices } from "../bot/process/tool_services.ts";
import type { TurnLimit } from "../flows/limits.ts";

/** `bot/account/account.ts` makes it. The members below a line are set once their code is loaded. */
export interface BotAccount extends Clock {
  readonly accountId: AccountId;
  /** The bot that the account belongs to. */
  readonly bot: Bot;
  /** The bot's token, a secret, and the base URL of Discord's REST API. */
  readonly token: string;
  readonly apiBase: string;
  /** The store; each method is one transaction. */
  readonly store: Store;
  /** What the store had of the account at its start. */
  readonly stored: StoredAccount;
  /** The config, the models, and other parts that a reload replaces (C9). A test answers for them. */
  readonly settings: RunningSettings;
  /** The current config; a reload replaces it as a whole (C9). */
  readonly config: () => Config;
  /** Discord's REST API. A test answers its requests. */
  readonly rest: RestClient;
  /** The connection to Discord's gateway. */
  readonly connection: Connection;
  /** Events of the connection and of requests wait until its release. */
  readonly held: Hold;
  /** The account's state, for `/status` and the health page. */
  readonly health: AccountHealth;
  /** State of modules that outlives a reload; `per_account.ts` keeps it. */
  readonly live: unknown[];
  readonly schedule: StartTimer;
  /** Milliseconds of a clock that no one sets. */
  readonly steadyNow: () => number;
  /** Unix time in milliseconds at which the machine started, by the clock as it is now. */
  readonly bootedAt: () => number;
  /** A random number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /**
   * 12 random hex digits: for boundaries that no person can guess, and for ids that a person can
   * copy.
   */
  readonly randomId: () => string;
  /** This many cryptographically random bytes. */
  readonly draw: (count: number) => Uint8Array;
  readonly log: Log;
  /** The same account with the log of another part. */
  forPart(part: string): BotAccount;
  /** Aborted when the grace period of a stop is over. */
  readonly stopping: AbortSignal;
  /** Ends the grace period. */
  readonly endGrace: () => void;
  /** Aborted when the account ends by itself: no turn begins after that. */
  readonly ended: AbortSignal;
  /** Ends the account by itself. */
  readonly end: (how: AccountEnd) => void;

  /** What the gateway has told so far. */
  readonly reader: Reader;
  /** The bot's own user at Discord; `undefined` until READY, unless the store knows it. */
  readonly self: () => Self | undefined;
  /** Who is in voice channels; `undefined` if the config had no `voice` at the start. */
  readonly voiceIndex: VoiceIndex | undefined;
  /** Replaces the policy: by another config, or by resolved names. */
  readonly keeper: PolicyKeeper;
  /** The current policy, which a reload or a resolved name replaces as a whole. */
  readonly policy: () => CurrentPolicy;
}

/** What all accounts of the process share. */
export interface Bot extends BotOptions, Clock {
  /** The current setup, which a reload replaces as a whole. */
  setup: Setup;
  /** The accounts that run. */
  readonly accounts: Map<AccountId, RunningAccount>;
  /** The accounts as the others see them (N2), also before they run. */
  readonly views: Map<AccountId, OurView>;
  readonly health: HealthMonitor;
  readonly meter: Meter;
  readonly turnLimit: TurnLimit;
  readonly memory: ProcessMemory;
  readonly media: ProcessMedia;
  /** Programs, web pages, MCP servers and files of agents. */
  toolServices: ToolServices;
  /** Loads them: an IDENTIFY needs none of their code. */
  readonly loadTools: () => Promise<ToolServices>;
  /** URL of `worker.ts`. */
  readonly workerUrl: URL;
}
