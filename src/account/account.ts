/**
 * Declares the one object of a bot account, which every flow and feature takes as its first parameter.
 *
 * It has what a test replaces (the models, Discord, clock and chance), the store, and what the config
 * says at the moment. It has no functions of features: a feature imports those of another one, and
 * passes the account on. This module has types alone, so anything may name the account without loading
 * it.
 */

import type { AccountOptions, AccountPorts } from "../bot/account_interface.ts";
import type { Config } from "../config/config.ts";
import type { Account } from "../core/account/account.ts";
import type { Connection } from "../discord/gateway/main/connection.ts";
import type { Reader } from "../discord/gateway/read/reader.ts";
import type { VoiceIndex } from "../discord/gateway/read/voice_index.ts";
import type { RestClient } from "../discord/rest/client/client.ts";
import type { AccountHealth } from "../http/monitor/account_health.ts";
import type { CurrentPolicy, PolicyKeeper } from "../flows/judging/policy_keeper.ts";
import type { Store } from "../store/store.ts";
import type { RunningSettings } from "../bot/rules/setup.ts";
import type { ToolServices } from "../bot/rules/tool_services.ts";
import type { History } from "../bot/turn/history.ts";
import type { createAccountPresence } from "../flows/presence.ts";
import type { createConnectionState } from "../flows/preflight/connection_state.ts";
import type { TurnRulesPorts } from "../flows/turn/turn_rules.ts";

export interface BotAccount extends Account<Store, CurrentPolicy, Config> {
  /** Discord's REST API. A test answers its requests. */
  readonly rest: RestClient;
  /** Discord's gateway: its connection, and what it has told so far. */
  readonly connection: Connection;
  readonly reader: Reader;
  readonly presence: Pick<Awaited<ReturnType<typeof createAccountPresence>>, "set">;
  /** Who is in voice channels; `undefined` if the config had no `voice` at the start. */
  readonly voiceIndex: VoiceIndex | undefined;
  /** What Discord says of the application: owners, intents, token. */
  readonly connectionState: ReturnType<typeof createConnectionState>;
  /** The models, and other parts beside the config that a reload replaces. A test answers for them. */
  readonly settings: RunningSettings;
  /** Replaces the policy: by another config, or by resolved names. */
  readonly keeper: PolicyKeeper;
  /** Milliseconds of a clock that no one sets. */
  readonly steadyNow: () => number;
  /** Unix time in milliseconds at which the machine started, by the clock as it is now. */
  readonly bootedAt: () => number;
  /** State of modules that outlives a reload; `per_account.ts` keeps it. */
  readonly live: Map<object, unknown>;
  /** The account's state, for `/status` and the health page. */
  readonly health: AccountHealth;
  /** The bot that the account belongs to. */
  readonly bot: Bot;
  /** Parts that composition makes. Each goes once its flow is converted. */
  readonly parts: OldParts;
}

/** What all accounts of the process share. A reload changes none of it. */
export interface Bot extends
  Pick<
    AccountPorts,
    | "meter"
    | "turnLimit"
    | "memory"
    | "isOurs"
    | "ours"
    | "isOnly"
    | "publish"
    | "changedInAll"
    | "onOnline"
  >,
  Pick<
    AccountOptions,
    | "apiBase"
    | "dashboardLink"
    | "dataDir"
    | "env"
    | "logging"
    | "media"
    | "version"
  > {
  /** Programs, web pages, MCP servers and files of agents. A test gives tools. */
  readonly toolServices: ToolServices;
}

/** The parts, set one after the other while an account is made; none is used before all are. */
export interface OldParts {
  sources: TurnRulesPorts;
  history: History;
}
