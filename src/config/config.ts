/**
 * Defines the config that the program reads: every secret, list and pattern is resolved.
 *
 * It has only keys that this version acts on. Lists of people are rules, and patterns are tests, so
 * a `Config` needs neither the file nor the environment.
 *
 * @module
 */

import type { AccountId, RoleId } from "../core/discord/ids.ts";
import type { PresenceStatus } from "../core/discord/presence.ts";
import type { QueueMode } from "../core/people/chosen.ts";
import type { Budgets } from "../core/spending/budget.ts";
import type { WaitingLimits } from "../core/inbound/waiting_turns.ts";
import type { AccessPolicy, CommandRules } from "../policy/rules/rules.ts";
import type { Texts } from "../render/notices/notices.ts";
import type { DiscordToolConfig } from "./sections/discord_tool.ts";
import type { CommandsConfig } from "./sections/commands.ts";
import type { ModelsConfig } from "./models.ts";
import type { ExecApprovalsConfig, PeopleConfig } from "./sections/people.ts";
import type { HttpConfig, McpServerConfig, OtelConfig, SearchConfig } from "./sections/services.ts";
import type { AccountSettings, Settings } from "./schema/root.ts";
import type { Secret } from "./schema/parts/secrets.ts";

/** The environment variable for the token if the config has none (C5). */
export const BOT_TOKEN = "DISCORD_BOT_TOKEN";

/** The config of the whole process: shared settings, and all accounts. */
export interface BotConfig extends SharedConfig {
  /** Each account once, `default` first if it exists. Some may be disabled (C7). */
  readonly accounts: readonly DiscordConfig[];
}

/** The config of one account. */
export interface Config extends SharedConfig {
  /** This account's own config. */
  readonly discord: DiscordConfig;
}

/** Settings that all accounts share. */
export interface SharedConfig extends PeopleConfig {
  /** Path of the file; absent if there is only the environment. */
  readonly file?: string;
  /** Files with secrets that the config names; absent: none. */
  readonly secretFiles?: readonly string[];
  /** The one agent of this version. */
  readonly agent: AgentConfig;
  /** Maximum number of sessions that are answered at the same time. */
  readonly maxConcurrentTurns: number;
  /** Folders that contain skills, as written (T7). */
  readonly skillFolders: readonly string[];
  /** The model to ask, and the known providers. */
  readonly models: ModelsConfig;
  /** Speech in, and speech out (H10, R16). */
  readonly audio: AudioConfig;
  /** Sentences that the operator replaces, by key (R13). */
  readonly texts: Texts;
  /** How replies look. */
  readonly messages: MessagesConfig;
  /** Which direct messages share a session (S1). */
  readonly dmScope: Settings["session"]["dmScope"];
  /** When a session begins a new transcript (S4a). */
  readonly sessionReset: Settings["session"]["reset"];
  /** Limits of the use of models per UTC day (X4). */
  readonly budgets: Budgets;
  /** The HTTP server for health checks and metrics. */
  readonly http: HttpConfig;
  /** Checks before connecting (G13). */
  readonly preflight: { readonly network: boolean; readonly dns: boolean };
  /** Least level of log lines to write. */
  readonly logLevel: Settings["log"]["level"];
  /** How long running turns may continue after a stop, in seconds (G12). */
  readonly shutdownGraceSec: number;
  /** How long to keep records (X6). */
  readonly retention: RetentionConfig;
  /** The search engine; absent if there is none (T9). */
  readonly search?: SearchConfig;
  /** Settings of the tool `discord`. */
  readonly discordTool: DiscordToolConfig;
  /** The model that makes vectors of notes: `"<provider>/<model>"`; absent: none (T14). */
  readonly embedding?: string;
  /** The model that draws: `"<provider>/<model>"`; absent: none (T6). */
  readonly draw?: string;
  /** The collector of traces; absent if there is none. */
  readonly otel?: OtelConfig;
  /** Servers of the Model Context Protocol (T6). */
  readonly mcp: readonly McpServerConfig[];
  /** As written; in the `access` of an account, names may be resolved to ids. */
  readonly commands: CommandRules;
}

/** Speech in, and speech out. Models are `"<provider>/<model>"`. */
export interface AudioConfig {
  /** The model that transcribes; absent: none. */
  readonly transcribe?: string;
  /** Maximum length of a recording, in minutes. */
  readonly maxMin: number;
  /** The model that speaks; absent: none. */
  readonly speak?: string;
  /** The voice that it speaks with. */
  readonly voice: string;
}

/** How long to keep records, in days; 0 keeps them for ever. */
export interface RetentionConfig {
  /** Days to keep decisions. */
  readonly decisionsDays: number;
  /** Maximum number of decisions to keep, from 1; the newest stay. */
  readonly decisionsMax: number;
  /** Days to keep messages that were not addressed to the bot. */
  readonly contextDays: number;
  /** Days to keep files that never reached Discord. */
  readonly mediaDays: number;
  /** Days to keep transcripts, with the messages and answers of their turns. */
  readonly transcriptsDays: number;
  /** Days to keep the use of models. */
  readonly usageDays: number;
  /** Megabytes of data beyond which the oldest transcripts are deleted. */
  readonly maxMb: number;
}

/** The config of one Discord account. */
export interface DiscordConfig extends CommandsConfig {
  /** Id of the account: `"default"`. */
  readonly accountId: AccountId;
  /** Name in lists; the id if absent. */
  readonly name?: string;
  /** Whether to connect (C7). */
  readonly enabled: boolean;
  /** Absent if neither config nor environment has one; `run` needs it. */
  readonly token?: Secret;
  /** Where the token is, or should be, written: a variable, a file, or a config path. */
  readonly tokenPlace: string;
  /** Names are not resolved to ids yet (P12). */
  readonly access: AccessPolicy;
  /** How approvers are asked about commands (A1). */
  readonly execApprovals: ExecApprovalsConfig;
  /** How to look up members of PluralKit systems. */
  readonly pluralkit: PluralkitConfig;
  /** Maximum number of overheard messages in a turn's context; 0 disables (H1). */
  readonly historyLimit: number;
  /** Maximum number of user turns in the context of direct messages; all if absent (H2). */
  readonly dmHistoryLimit?: number;
  /** The same for single users, by id. */
  readonly dmHistoryLimits: ReadonlyMap<string, number>;
  /** Maximum length of a message, in UTF-16 units. */
  readonly textChunkLimit: number;
  /** Maximum number of lines in one message. */
  readonly maxLinesPerMessage: number;
  /** How to split a reply. */
  readonly chunkMode: AccountSettings["chunkMode"];
  /** The users and roles that a reply may ping. */
  readonly allowedMentions: {
    readonly users: AccountSettings["allowedMentions"]["users"];
    readonly roles: readonly RoleId[];
  };
  /** The gateway connection. */
  readonly gateway: {
    /** Discord's names in lower case; `reactions` stands for those of guilds and of DMs (G9). */
    readonly intents: "agent_recommended" | readonly Intent[];
    /** Where reactions can count: the preset asks for their intents only then (H5). */
    readonly reactions: { readonly guilds: boolean; readonly direct: boolean };
    readonly compress: boolean;
    /** Seconds between packets; 0 disables them. */
    readonly tcpKeepaliveSec: number;
    readonly reconnect: Readonly<AccountSettings["gateway"]["reconnect"]>;
    readonly catchUp: Readonly<AccountSettings["gateway"]["catchUp"]>;
    /** `"auto"`: as many as Discord recommends. */
    readonly shards: "auto" | number;
  };
  /** The bot's status at Discord. */
  readonly presence: Presence;
  /** Limits of requests to Discord. */
  readonly rest: Readonly<AccountSettings["rest"]>;
  /** Retries of failed requests. */
  readonly retry: Readonly<AccountSettings["retry"]>;
  /** Limits of each channel's queue. */
  readonly rateLimit: Readonly<AccountSettings["rateLimit"]>;
  /** Which messages of an answer are Discord replies. */
  readonly replyToMode: AccountSettings["replyToMode"];
  /** Whether to show an answer while it grows. */
  readonly streaming: AccountSettings["streaming"];
  /** Maximum size of a file to send, in bytes. */
  readonly mediaMaxBytes: number;
}

/** How to look up members of PluralKit systems (P13). */
export interface PluralkitConfig {
  /** Whether to ask PluralKit. */
  readonly enabled: boolean;
  /** For private systems. */
  readonly token?: Secret;
  /** Without a slash at its end: `"https://api.pluralkit.me/v2"`. */
  readonly apiUrl: string;
}

/** How replies look, for all accounts. */
export interface MessagesConfig {
  /** Maximum number of messages of one reply. */
  readonly maxChunks: number;
  /** How to show Markdown tables. */
  readonly tables: Settings["messages"]["tables"];
  /** How to show questions to people. */
  readonly cards: Settings["messages"]["cards"];
  /** An emoji, or `<:name:id>`; no reaction if absent. */
  readonly ackReaction?: string;
  /** Which messages get the reaction. */
  readonly ackReactionScope: Settings["messages"]["ackReactionScope"];
  /** Whether to remove the reaction after the reply. */
  readonly removeAckAfterReply: boolean;
  /** Hosts that the model may link to. */
  readonly linkHosts: readonly string[];
  /** In whose places answers have a footer (R15). */
  readonly footer: Settings["messages"]["footer"];
  /** Localised words of commands, by their names (K1). */
  readonly commands: Settings["messages"]["commands"];
  /** Limits of waiting turns (X4). */
  readonly queue: WaitingLimits;
  /** What happens to messages that arrive during a turn; absent: it depends on the place (S5). */
  readonly queueMode?: QueueMode;
}

/** The bot's status at Discord. */
export interface Presence {
  /** Online status that Discord shows. */
  readonly status: PresenceStatus;
  /** Custom status. */
  readonly activity?: string;
}

/** An intent by its name in the config. */
export type Intent = Exclude<AccountSettings["gateway"]["intents"], string>[number];

/** The agent that answers. */
export interface AgentConfig {
  /** `"main"` if the config lists no agent (S1). */
  readonly id: string;
  /** The agent's name; absent if it has none. */
  readonly name?: string;
  /** Instructions for the model, after the built-in prompt. */
  readonly prompt?: string;
  /** Folder of the agent's files, as written; one in the data directory if absent. */
  readonly workspace?: string;
  /** IANA time zone; the host's if absent. */
  readonly timezone?: string;
  /** How long a turn may take, in seconds (T1). */
  readonly turnTimeoutSec: number;
  /** Maximum number of model requests of a turn (T1). */
  readonly maxSteps: number;
  /** How long a tool call may take, in seconds (T1). */
  readonly toolTimeoutSec: number;
}

/** The config of one account. */
export function forAccount({ accounts: _, ...shared }: BotConfig, discord: DiscordConfig): Config {
  return { ...shared, discord };
}
