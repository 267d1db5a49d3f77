/**
 * Makes the program's config from settings and their resolved secrets.
 *
 * @module
 */

import type { Budgets } from "../core/spending/budget.ts";
import { parseSnowflake } from "../core/discord/ids.ts";
import { commandRules, reactionPlaces, toAccessPolicy } from "./access.ts";
import { type Account, DEFAULT_ACCOUNT, DISCORD, ownPath } from "./schema/accounts.ts";
import {
  type AgentConfig,
  type AudioConfig,
  BOT_TOKEN,
  type BotConfig,
  type DiscordConfig,
  type MessagesConfig,
} from "./config.ts";
import { discordToolConfig } from "./sections/discord_tool.ts";
import type { AccountSecrets, FoundSecrets } from "./find_secrets.ts";
import type { ModelNames, ModelsConfig } from "./models.ts";
import { execApprovalsConfig, peopleConfig } from "./sections/people.ts";
import type {
  McpOAuthConfig,
  McpServerConfig,
  OtelConfig,
  SearchConfig,
} from "./sections/services.ts";
import type { Settings } from "./schema/root.ts";
import { EnvReference, Secret } from "./schema/parts/secrets.ts";

const DEFAULT_HISTORY = 20;
/** `oauth` of an MCP server, as written. */
type WrittenOAuth = NonNullable<NonNullable<Settings["mcp"]>["servers"][string]["oauth"]>;
/** A config without `budgets` has no limit. */
const NO_BUDGETS: Budgets = { perUser: {}, perRole: {}, perGuild: {}, perAgent: {}, total: {} };
/** Of `tools.timeoutSec`, for a config without `tools`. */
const TOOL_TIMEOUT_SEC = 120;

/** Makes the config. */
export function toConfig(
  settings: Settings,
  accounts: readonly Account[],
  secrets: FoundSecrets,
  matchesPattern: (text: string) => boolean,
  file: string | undefined,
): BotConfig {
  const { agents, http, log, messages, preflight, session, shutdown, store } = settings;
  return {
    file,
    accounts: accounts.map((account) =>
      discordConfig(settings, account, secrets.accounts.get(account.id) ?? {}, matchesPattern)
    ),
    agent: agentConfig(settings),
    skillFolders: settings.skills?.folders ?? [],
    maxConcurrentTurns: agents.maxConcurrentTurns,
    models: modelsConfig(settings, secrets),
    audio: audioConfig(settings),
    texts: messages.texts ?? {},
    messages: messagesConfig(messages),
    dmScope: session.dmScope,
    sessionReset: session.reset,
    budgets: settings.budgets ?? NO_BUDGETS,
    http: {
      bind: typeof http.bind === "string" ? [http.bind] : http.bind,
      port: http.port,
      isRequired: http.required,
      token: secrets.httpToken,
      hosts: http.hosts,
      keepAliveUrl: http.keepAliveUrl,
    },
    preflight: { network: preflight.network, dns: preflight.dns },
    logLevel: log.level,
    shutdownGraceSec: shutdown.graceSec,
    retention: store.retention,
    ...searchConfig(settings, secrets),
    discordTool: discordToolConfig(settings),
    embedding: settings.memory?.embedding,
    draw: settings.tools?.draw,
    ...otelConfig(settings, secrets),
    ...peopleConfig(settings),
    mcp: mcpConfig(settings, secrets),
    commands: commandRules(settings.commands),
  };
}

function searchConfig(
  { search }: Settings,
  { searchKey }: FoundSecrets,
): { readonly search?: SearchConfig } {
  if (!search) return {};
  const { kind, url } = search;
  return {
    search: {
      kind,
      url: url?.replace(/\/+$/, ""),
      apiKey: searchKey,
    },
  };
}

/** Path of a collector's traces, by the protocol. */
const TRACES = "/v1/traces";

function otelConfig(
  { otel }: Settings,
  { otelHeaders: headers }: FoundSecrets,
): { readonly otel?: OtelConfig } {
  if (!otel) return {};
  const base = otel.endpoint.replace(/\/+$/, "");
  return { otel: { url: base.endsWith(TRACES) ? base : `${base}${TRACES}`, headers } };
}

function mcpConfig({ mcp }: Settings, secrets: FoundSecrets): readonly McpServerConfig[] {
  return Object.entries(mcp?.servers ?? {}).map(([id, server]) => {
    const { url, command, args, sandbox, writable, allow, oauth } = server;
    const { env = {}, headers = {}, clientSecret } = secrets.mcp[id] ?? {};
    return {
      id,
      transport: url === undefined
        ? { kind: "stdio", command: command ?? "", args, env, sandbox, writable } // the schema wants one of them
        : {
          kind: "http",
          url,
          headers,
          oauth: oauth ? oauthConfig(oauth, clientSecret) : undefined,
        },
      allow,
    };
  });
}

function oauthConfig(
  { clientId, issuer, scope, callbackPort }: WrittenOAuth,
  clientSecret: Secret | undefined,
): McpOAuthConfig {
  return {
    clientId,
    clientSecret,
    issuer,
    scope,
    callbackPort,
  };
}

/** A config without the section has its defaults; the schema is built only for one that has it. */
function audioConfig({ audio }: Settings): AudioConfig {
  const { transcribe, speak, maxMin = 10, voice = "alloy" } = audio ?? {};
  return {
    maxMin,
    voice,
    transcribe,
    speak,
  };
}

function messagesConfig(
  { ackReaction, queue: { perUser, perChannel, mode }, ...messages }: Settings["messages"],
): MessagesConfig {
  const {
    maxChunks,
    tables,
    cards,
    ackReactionScope,
    removeAckAfterReply,
    linkHosts,
    footer,
    commands,
  } = messages;
  return {
    maxChunks,
    tables,
    cards,
    footer,
    ackReaction: ackReaction !== "" ? ackReaction : undefined,
    ackReactionScope,
    removeAckAfterReply,
    linkHosts,
    commands,
    queue: { perUser, perChannel },
    queueMode: mode,
  };
}

function discordConfig(
  settings: Settings,
  account: Account,
  secrets: AccountSecrets,
  matchesPattern: (text: string) => boolean,
): DiscordConfig {
  const { id, settings: discord } = account;
  const {
    allowedMentions,
    commands: { guildId },
    dmHistoryLimit,
    gateway,
    pluralkit,
    presence: { status, activity },
  } = discord;
  const commandGuildId = guildId === undefined ? undefined : parseSnowflake<"guild">(guildId);
  const access = toAccessPolicy(settings, account, matchesPattern);
  return {
    accountId: id,
    name: discord.name,
    enabled: discord.enabled,
    token: secrets.token,
    tokenPlace: tokenPlaceOf(account),
    access,
    execApprovals: execApprovalsConfig(discord),
    pluralkit: {
      enabled: pluralkit.enabled,
      token: secrets.pluralkit,
      apiUrl: pluralkit.apiUrl.replace(/\/+$/, ""),
    },
    historyLimit: discord.historyLimit ?? settings.messages.groupChat.historyLimit ??
      DEFAULT_HISTORY,
    dmHistoryLimit,
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
      reactions: reactionPlaces(access),
      compress: gateway.compress,
      tcpKeepaliveSec: gateway.tcpKeepaliveSec,
      reconnect: gateway.reconnect,
      catchUp: gateway.catchUp,
      shards: gateway.shards,
    },
    commandGuildId: commandGuildId || undefined,
    configCommand: settings.commands.config ? discord.configWrites ? "write" : "read" : "off",
    nativeCommands: (discord.commands.native ?? settings.commands.native) !== false,
    presence: { status, activity },
    rest: discord.rest,
    retry: discord.retry,
    rateLimit: discord.rateLimit,
    replyToMode: discord.replyToMode,
    streaming: discord.streaming,
    mediaMaxBytes: Math.floor(discord.mediaMaxMb * 1_000_000),
  };
}

const TOKEN = `${DISCORD}.token`;

function tokenPlaceOf({ id, name, settings: { token }, ruleOf }: Account): string {
  const isDefault = id === DEFAULT_ACCOUNT;
  if (token === undefined && isDefault) return BOT_TOKEN;
  if (token instanceof EnvReference) return token.env;
  if (token !== undefined && !(token instanceof Secret)) return token.file;
  return isDefault || name === undefined ? ruleOf(TOKEN) : ownPath(TOKEN, name);
}

function agentConfig({ agents, tools }: Settings): AgentConfig {
  const { list, defaults, turnTimeoutSec, maxSteps } = agents;
  const [agent] = list;
  const workspace = agent?.workspace ?? defaults.workspace;
  return {
    id: agent?.id ?? "main",
    name: agent?.name,
    prompt: agent?.prompt,
    workspace,
    timezone: defaults.timezone,
    turnTimeoutSec,
    maxSteps,
    toolTimeoutSec: tools?.timeoutSec ?? TOOL_TIMEOUT_SEC,
  };
}

function modelsConfig({ agents, models }: Settings, secrets: FoundSecrets): ModelsConfig {
  const own = agents.list[0]?.model;
  const written = own ?? agents.defaults.model;
  const names: ModelNames | undefined = typeof written === "string"
    ? { primary: written, fallbacks: [] }
    : written;
  const providers = Object.entries(models.providers).map(
    ([id, { kind, baseUrl, sessionHeader, prices, models }]) =>
      [id, {
        id,
        kind,
        prices,
        models,
        sessionHeader,
        baseUrl: baseUrl?.replace(/\/+$/, ""),
        headers: {},
        ...secrets.providers[id],
      }] as const,
  );
  return {
    names,
    namesPath: own === undefined ? "agents.defaults.model" : "agents.list[0].model",
    providers: Object.fromEntries(providers),
  };
}
