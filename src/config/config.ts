/**
 * What the rest of the program reads: settings with nothing left to look up.
 *
 * Only what this version acts on is here. Secrets are found, lists of people are rules, patterns
 * are tests; who has a `Config` needs neither the file nor the environment.
 *
 * @module
 */

import { type AccountId, parseSnowflake, type RoleId, toAccountId } from "../core/ids.ts";
import type { AccessPolicy } from "../policy/rules.ts";
import type { Texts } from "../render/notices.ts";
import { toAccessPolicy } from "./access.ts";
import type { ModelNames, ModelsConfig } from "./models.ts";
import { discordDefaults, type DiscordSettings, type Settings } from "./schema.ts";
import { EnvReference, Secret, type SecretSource } from "./secrets.ts";

/** The variable that serves where the config has no token (C5). */
export const BOT_TOKEN = "DISCORD_BOT_TOKEN";

/** The config as it applies. */
export interface Config {
  /** Path of the file; absent where the environment is all there is. */
  readonly file?: string;
  readonly discord: DiscordConfig;
  /** The one agent of this version. */
  readonly agent: AgentConfig;
  /** Sessions that are answered at the same time. */
  readonly maxConcurrentTurns: number;
  readonly models: ModelsConfig;
  /** Barnacle's own sentences by key, where the operator has others (R13). */
  readonly texts: Texts;
  readonly messages: MessagesConfig;
  readonly dmScope: Settings["session"]["dmScope"];
  readonly http: HttpConfig;
  /** What is looked at before connecting (G13). */
  readonly preflight: { readonly network: boolean; readonly dns: boolean };
  readonly logLevel: Settings["log"]["level"];
  /** Seconds that running turns have to end (G12). */
  readonly shutdownGraceSec: number;
}

/** The one account of this version. */
export interface DiscordConfig {
  readonly accountId: AccountId;
  /** `false`: no gateway is started (C7). */
  readonly enabled: boolean;
  /** Absent where neither config nor environment has one; `run` cannot do without. */
  readonly token?: Secret;
  /** Where the token is written, or is to be written: a variable, a file, or the key. */
  readonly tokenPlace: string;
  readonly access: AccessPolicy;
  /** Overheard messages that a turn may see; 0 is none (H1). */
  readonly historyLimit: number;
  /** User turns of direct messages that a turn may see; absent: all (H2). */
  readonly dmHistoryLimit?: number;
  /** The same for one user, by id. */
  readonly dmHistoryLimits: ReadonlyMap<string, number>;
  /** UTF-16 units in one message, at most. */
  readonly textChunkLimit: number;
  readonly maxLinesPerMessage: number;
  readonly chunkMode: DiscordSettings["chunkMode"];
  readonly allowedMentions: {
    readonly users: DiscordSettings["allowedMentions"]["users"];
    readonly roles: readonly RoleId[];
  };
  readonly gateway: {
    /** Discord's names in lower case; `reactions` stands for both kinds of them (G9). */
    readonly intents: "agent_recommended" | readonly Intent[];
    readonly compress: boolean;
    /** Seconds; 0 is off. */
    readonly tcpKeepaliveSec: number;
    readonly reconnect: Readonly<DiscordSettings["gateway"]["reconnect"]>;
    readonly catchUp: Readonly<DiscordSettings["gateway"]["catchUp"]>;
    /** `"auto"`: as many as Discord recommends. */
    readonly shards: "auto" | number;
  };
  readonly presence: Presence;
  readonly rest: Readonly<DiscordSettings["rest"]>;
  readonly retry: Readonly<DiscordSettings["retry"]>;
  readonly rateLimit: Readonly<DiscordSettings["rateLimit"]>;
  readonly replyToMode: DiscordSettings["replyToMode"];
  readonly streaming: DiscordSettings["streaming"];
  /** Bytes of a file that is sent, at most. */
  readonly mediaMaxBytes: number;
}

/** How replies look, whatever the account. */
export interface MessagesConfig {
  readonly maxChunks: number;
  readonly tables: Settings["messages"]["tables"];
  /** An emoji, or `<:name:id>`; absent: none. */
  readonly ackReaction?: string;
  readonly ackReactionScope: Settings["messages"]["ackReactionScope"];
  readonly removeAckAfterReply: boolean;
  /** Hosts whose links the model may write whole. */
  readonly linkHosts: readonly string[];
}

/** How the bot is shown. */
export interface Presence {
  readonly status: "online" | "idle" | "dnd" | "invisible";
  /** The line below the name. */
  readonly activity?: string;
}

export type Intent = Exclude<DiscordSettings["gateway"]["intents"], string>[number];

export interface AgentConfig {
  /** `"main"` where the config lists none (S1). */
  readonly id: string;
  readonly name?: string;
  /** The operator's words to the model, after the built-in ones. */
  readonly prompt?: string;
  /** An IANA zone; absent: the host's. */
  readonly timezone?: string;
  /** When a turn is given up, in seconds (T1). */
  readonly turnTimeoutSec: number;
}

export interface HttpConfig {
  /** Addresses to listen on, each on its own. */
  readonly bind: readonly string[];
  readonly port: number;
  /** What asks from elsewhere must carry; there is one wherever `bind` is not loopback. */
  readonly token?: Secret;
  /** Names by which other machines may ask. */
  readonly hosts: readonly string[];
  /** The service's own public address, fetched so that its host does not put it to sleep (O9). */
  readonly keepAliveUrl?: string;
}

/** What was found of the secrets that settings name. */
export interface FoundSecrets {
  readonly discordToken?: Secret;
  readonly httpToken?: Secret;
  readonly providers: Readonly<Record<string, ProviderSecrets>>;
}

export interface ProviderSecrets {
  readonly apiKey?: Secret;
  readonly headers: Readonly<Record<string, Secret>>;
}

const DEFAULT_HISTORY = 20;

/** Settings, and what they point to, as one. */
export function toConfig(
  settings: Settings,
  secrets: FoundSecrets,
  matchesPattern: (text: string) => boolean,
  file: string | undefined,
): Config {
  const { agents, http, log, messages, preflight, session, shutdown } = settings;
  return {
    ...(file !== undefined && { file }),
    discord: discordConfig(settings, secrets.discordToken, matchesPattern),
    agent: agentConfig(agents),
    maxConcurrentTurns: agents.maxConcurrentTurns,
    models: modelsConfig(settings, secrets),
    texts: messages.texts,
    messages: messagesConfig(messages),
    dmScope: session.dmScope,
    http: {
      bind: typeof http.bind === "string" ? [http.bind] : http.bind,
      port: http.port,
      ...(secrets.httpToken && { token: secrets.httpToken }),
      hosts: http.hosts,
      ...(http.keepAliveUrl !== undefined && { keepAliveUrl: http.keepAliveUrl }),
    },
    preflight: { network: preflight.network, dns: preflight.dns },
    logLevel: log.level,
    shutdownGraceSec: shutdown.graceSec,
  };
}

function messagesConfig(
  { maxChunks, tables, ackReaction, ackReactionScope, removeAckAfterReply, linkHosts }:
    Settings["messages"],
): MessagesConfig {
  return {
    maxChunks,
    tables,
    ...(ackReaction !== "" && { ackReaction }),
    ackReactionScope,
    removeAckAfterReply,
    linkHosts,
  };
}

function discordConfig(
  settings: Settings,
  token: Secret | undefined,
  matchesPattern: (text: string) => boolean,
): DiscordConfig {
  const discord = settings.channels.discord ?? discordDefaults();
  const { allowedMentions, dmHistoryLimit, gateway, presence: { status, activity } } = discord;
  return {
    accountId: toAccountId("default"),
    enabled: discord.enabled,
    ...(token && { token }),
    tokenPlace: placeOf(discord.token),
    access: toAccessPolicy(settings, matchesPattern),
    historyLimit: discord.historyLimit ?? settings.messages.groupChat.historyLimit ??
      DEFAULT_HISTORY,
    ...(dmHistoryLimit !== undefined && { dmHistoryLimit }),
    dmHistoryLimits: new Map(
      Object.entries(discord.dms).flatMap(([id, { historyLimit }]) =>
        historyLimit === undefined ? [] : [[id, historyLimit]]
      ),
    ),
    textChunkLimit: discord.textChunkLimit,
    maxLinesPerMessage: discord.maxLinesPerMessage,
    chunkMode: discord.chunkMode,
    allowedMentions: {
      users: allowedMentions.users,
      roles: allowedMentions.roles.map((id) => parseSnowflake<"role">(id))
        .filter((id) => id !== undefined),
    },
    gateway: {
      intents: gateway.intents,
      compress: gateway.compress,
      tcpKeepaliveSec: gateway.tcpKeepaliveSec,
      reconnect: gateway.reconnect,
      catchUp: gateway.catchUp,
      shards: gateway.shards,
    },
    presence: { status, ...(activity !== undefined && { activity }) },
    rest: discord.rest,
    retry: discord.retry,
    rateLimit: discord.rateLimit,
    replyToMode: discord.replyToMode,
    streaming: discord.streaming,
    mediaMaxBytes: Math.floor(discord.mediaMaxMb * 1_000_000),
  };
}

function placeOf(source: SecretSource | undefined): string {
  if (source === undefined) return BOT_TOKEN;
  if (source instanceof Secret) return "channels.discord.token";
  return source instanceof EnvReference ? source.env : source.file;
}

function agentConfig({ list, defaults, turnTimeoutSec }: Settings["agents"]): AgentConfig {
  const [agent] = list;
  return {
    id: agent?.id ?? "main",
    ...(agent?.name !== undefined && { name: agent.name }),
    ...(agent?.prompt !== undefined && { prompt: agent.prompt }),
    ...(defaults.timezone !== undefined && { timezone: defaults.timezone }),
    turnTimeoutSec,
  };
}

function modelsConfig({ agents, models }: Settings, secrets: FoundSecrets): ModelsConfig {
  const own = agents.list[0]?.model;
  const written = own ?? agents.defaults.model;
  const names: ModelNames | undefined = typeof written === "string"
    ? { primary: written, fallbacks: [] }
    : written;
  const providers = Object.entries(models.providers).map(
    ([id, { kind, baseUrl }]) =>
      [id, {
        id,
        kind,
        ...(baseUrl !== undefined && { baseUrl: baseUrl.replace(/\/+$/, "") }),
        headers: {},
        ...secrets.providers[id],
      }] as const,
  );
  return {
    ...(names && { names }),
    namesPath: own === undefined ? "agents.defaults.model" : "agents.list[0].model",
    providers: Object.fromEntries(providers),
  };
}
