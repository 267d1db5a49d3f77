/**
 * Defines the config that the program reads: the schema's output, and the values that several keys
 * decide together.
 *
 * Every secret, list and pattern is resolved, so a `Config` needs neither the file nor the
 * environment.
 */

import type { AccountId } from "../core/discord/ids.ts";
import { SERVER_EVENTS } from "../core/hooks/hook.ts";
import type { Budgets } from "../core/spending/budget.ts";
import type { AccessPolicy } from "../policy/rules.ts";
import type { ChunkRules } from "../render/markdown/chunk.ts";
import type { ReplyRules } from "../render/reply.ts";
import { reactionPlaces, toAccessPolicy } from "./access.ts";
import {
  BOT_TOKEN,
  DEFAULT_ACCOUNT,
  DISCORD,
  ownPath,
  type WrittenAccount,
} from "./schema/accounts.ts";
import type { MentionTests } from "./mentions.ts";
import type { AgentModels, ModelsConfig } from "./models.ts";
import { entriesIn } from "./schema/server_events.ts";
import { EnvReference, Secret, type SecretSource } from "./schema/parts/secrets.ts";
import type { AccountSettings, Settings } from "./schema/root.ts";

/** The config of the whole process: shared settings, and all accounts. */
export interface BotConfig extends SharedConfig {
  /** Each account once, `default` first if it exists. Some may be disabled (C7). */
  readonly accounts: readonly DiscordConfig[];
}

export interface Config extends SharedConfig {
  readonly discord: DiscordConfig;
}

/** Settings that all accounts share: the keys of the file without `channels`. */
export interface SharedConfig
  extends Omit<Settings, "$schema" | "budgets" | "channels" | "models"> {
  readonly budgets: Budgets;
  /** Path of the file; absent if there is only the environment. */
  readonly file?: string;
  /** Files with secrets that the config names; absent: none. */
  readonly secretFiles?: readonly string[];
  /** All agents; the first one is the default, `main` if the config lists none (N1). */
  readonly agentList: readonly [AgentConfig, ...AgentConfig[]];
  readonly models: ModelsConfig;
  /** The entries of `agents.list[].on`, by the names of their events (W7). */
  readonly serverEvents: ReturnType<typeof entriesIn>;
}

export interface DiscordConfig extends Omit<AccountSettings, "gateway" | "historyLimit"> {
  readonly accountId: AccountId;
  /** Where the token is, or should be, written: a variable, a file, or a config path. */
  readonly tokenPlace: string;
  /** Names are not resolved to ids yet (P12). */
  readonly access: AccessPolicy;
  /** Maximum number of overheard messages in a turn's context; 0 disables (H1). */
  readonly historyLimit: number;
  readonly gateway: AccountSettings["gateway"] & {
    /** Where reactions can count: the preset asks for their intents only then (H5). */
    readonly reactions: ReturnType<typeof reactionPlaces> & { readonly further: readonly string[] };
  };
  /** Whether `/config` exists, and whether it may change the file (K4). */
  readonly configCommand: "off" | "read" | "write";
  /** Whether to register slash commands (K1). */
  readonly nativeCommands: boolean;
  /** Maximum size of a file to send, in bytes. */
  readonly mediaMaxBytes: number;
}

export interface AgentConfig extends Partial<Omit<Settings["agents"]["list"][number], "model">> {
  /** `"main"` if the config lists no agent (S1). */
  readonly id: string;
  /** Folder of the agent's files, as written; one in the data directory if absent. */
  readonly workspace?: string;
  readonly models: AgentModels;
}

const DEFAULT_HISTORY = 20;

export function toConfig(
  settings: Settings,
  { accounts, mentions, tokenPlaces, uncounted, file, secretFiles }:
    & Pick<SharedConfig, "file" | "secretFiles">
    & Pick<Budgets, "uncounted">
    & {
      /** All accounts, `default` first. */
      readonly accounts: readonly WrittenAccount[];
      readonly mentions: MentionTests;
      readonly tokenPlaces: ReadonlyMap<AccountId, string>;
    },
): BotConfig {
  const { $schema: _, channels: __, ...shared } = settings;
  const { agents: { list, defaults }, models } = settings;
  const [first = { id: "main" }, ...others] = list;
  return {
    ...shared,
    budgets: { ...settings.budgets, uncounted },
    file,
    secretFiles,
    accounts: accounts.map((account) =>
      discordConfig(settings, account, mentions, tokenPlaces.get(account.id) ?? "")
    ),
    agentList: [
      agentConfig(first, 0, defaults),
      ...others.map((agent, index) => agentConfig(agent, index + 1, defaults)),
    ],
    models,
    serverEvents: entriesIn(list),
  };
}

function agentConfig(
  { model, ...agent }: Partial<Settings["agents"]["list"][number]> & { readonly id: string },
  index: number,
  defaults: Settings["agents"]["defaults"],
): AgentConfig {
  return {
    ...agent,
    workspace: agent.workspace ?? defaults.workspace,
    models: {
      names: modelNames(model ?? defaults.model),
      namesPath: model === undefined ? "agents.defaults.model" : `agents.list[${index}].model`,
    },
  };
}

/** The agent with an id. An id that the config no longer lists, of a stored row, gives the first. */
export function agentOf(
  { agentList: [first, ...others] }: SharedConfig,
  agentId: string,
): AgentConfig {
  return others.find(({ id }) => id === agentId) ?? first;
}

function modelNames(model: Settings["agents"]["defaults"]["model"]): AgentModels["names"] {
  return typeof model === "string" ? { primary: model, fallbacks: [] } : model;
}

function discordConfig(
  settings: Settings,
  account: WrittenAccount,
  mentions: MentionTests,
  tokenPlace: string,
): DiscordConfig {
  const { commands, messages: { groupChat } } = settings;
  const own = account.settings;
  const access = toAccessPolicy(settings, account, mentions);
  return {
    ...own,
    accountId: account.id,
    tokenPlace,
    access,
    historyLimit: own.historyLimit ?? groupChat.historyLimit ?? DEFAULT_HISTORY,
    gateway: {
      ...own.gateway,
      reactions: { ...reactionPlaces(access), further: furtherIntents(settings) },
    },
    configCommand: configCommandOf(settings, own),
    nativeCommands: (own.commands.native ?? commands.native) !== false,
    mediaMaxBytes: Math.floor(own.mediaMaxMb * 1_000_000),
  };
}

/** The intents that the entries of `on` and `voice` need; a change of them reconnects. */
function furtherIntents({ agents: { list }, voice }: Settings): readonly string[] {
  const intents = Object.values(entriesIn(list)).map(({ event }) => SERVER_EVENTS[event]);
  return [...new Set([...intents, ...voice ? ["guild_voice_states"] : []])].toSorted();
}

function configCommandOf(
  { commands }: Settings,
  { configWrites }: AccountSettings,
): DiscordConfig["configCommand"] {
  if (!commands.config) return "off";
  return configWrites ? "write" : "read";
}

export function forAccount({ accounts: _, ...shared }: BotConfig, discord: DiscordConfig): Config {
  return { ...shared, discord };
}

const TOKEN = `${DISCORD}.token`;

/** Where the token of an account is, or should be, written. Secrets must not be resolved yet. */
export function tokenPlaceOf({ id, name, settings, ruleOf }: WrittenAccount): string {
  const token = settings.token as SecretSource | undefined;
  const isDefault = id === DEFAULT_ACCOUNT;
  if (token === undefined && isDefault) return BOT_TOKEN;
  if (token instanceof EnvReference) return token.env;
  if (token !== undefined && !(token instanceof Secret)) return `the file ${token.file}`;
  return isDefault || name === undefined ? ruleOf(TOKEN) : ownPath(TOKEN, name);
}

/** How a text is cut, whoever its author is. */
export function chunkRulesOf({ discord, messages }: Config): ChunkRules {
  return {
    limit: discord.textChunkLimit,
    maxLines: discord.maxLinesPerMessage,
    mode: discord.chunkMode,
    maxChunks: messages.maxChunks,
  };
}

/** How a text becomes messages, whoever its author is. */
export function replyRulesOf(
  config: Config,
  { cleanSecrets, uploadLimit }: {
    readonly cleanSecrets: (text: string) => string;
    /** Maximum size in bytes of one file in that place. */
    readonly uploadLimit: number;
  },
): ReplyRules {
  const { discord, messages } = config;
  return {
    chunks: chunkRulesOf(config),
    tables: messages.tables,
    linkHosts: messages.linkHosts,
    replyToMode: discord.replyToMode,
    allowedMentions: discord.allowedMentions,
    maxFileBytes: Math.min(discord.mediaMaxBytes, uploadLimit),
    cleanSecrets,
  };
}
