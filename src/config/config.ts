/**
 * What the rest of the program reads: settings with nothing left to look up.
 *
 * Only what this version acts on is here. Secrets are found, lists of people are rules, patterns
 * are tests; who has a `Config` needs neither the file nor the environment.
 *
 * @module
 */

import type { AccountId, RoleId } from "../core/discord/ids.ts";
import type { AccessPolicy, CommandRules } from "../policy/rules.ts";
import type { Texts } from "../render/notices.ts";
import type { ModelsConfig } from "./models.ts";
import type { AccountSettings, Settings } from "./schema/root.ts";
import type { Secret } from "./schema/secrets.ts";

/** The variable that serves where the config has no token (C5). */
export const BOT_TOKEN = "DISCORD_BOT_TOKEN";

/** The config as it applies: what holds for all, and the accounts. */
export interface BotConfig extends SharedConfig {
  /** Each once; `default`, where there is one, is the first. One may be disabled (C7). */
  readonly accounts: readonly DiscordConfig[];
}

/** The config as one account sees it. */
export interface Config extends SharedConfig {
  readonly discord: DiscordConfig;
}

/** What holds whatever the account. */
export interface SharedConfig {
  /** Path of the file; absent where the environment is all there is. */
  readonly file?: string;
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
  /** What is kept for a while only (X6). */
  readonly retention: RetentionConfig;
  /** As it is written; in an account's `access` names are ids where they were found to be some. */
  readonly commands: CommandRules;
}

/** How many days things are kept; 0 is for ever. */
export interface RetentionConfig {
  readonly decisionsDays: number;
  /** How many decisions there are, at most, the newest; from 1. */
  readonly decisionsMax: number;
  readonly contextDays: number;
  readonly mediaDays: number;
}

/** One account on Discord. */
export interface DiscordConfig {
  readonly accountId: AccountId;
  /** What people call it; absent: its id. */
  readonly name?: string;
  /** `false`: no gateway is started (C7). */
  readonly enabled: boolean;
  /** Absent where neither config nor environment has one; `run` cannot do without. */
  readonly token?: Secret;
  /** Where the token is written, or is to be written: a variable, a file, or the key. */
  readonly tokenPlace: string;
  /** Names are not looked up yet (P12). */
  readonly access: AccessPolicy;
  readonly pluralkit: PluralkitConfig;
  /** Overheard messages that a turn may see; 0 is none (H1). */
  readonly historyLimit: number;
  /** User turns of direct messages that a turn may see; absent: all (H2). */
  readonly dmHistoryLimit?: number;
  /** The same for one user, by id. */
  readonly dmHistoryLimits: ReadonlyMap<string, number>;
  /** UTF-16 units in one message, at most. */
  readonly textChunkLimit: number;
  readonly maxLinesPerMessage: number;
  readonly chunkMode: AccountSettings["chunkMode"];
  readonly allowedMentions: {
    readonly users: AccountSettings["allowedMentions"]["users"];
    readonly roles: readonly RoleId[];
  };
  readonly gateway: {
    /** Discord's names in lower case; `reactions` stands for both kinds of them (G9). */
    readonly intents: "agent_recommended" | readonly Intent[];
    readonly compress: boolean;
    /** Seconds; 0 is off. */
    readonly tcpKeepaliveSec: number;
    readonly reconnect: Readonly<AccountSettings["gateway"]["reconnect"]>;
    readonly catchUp: Readonly<AccountSettings["gateway"]["catchUp"]>;
    /** `"auto"`: as many as Discord recommends. */
    readonly shards: "auto" | number;
  };
  readonly presence: Presence;
  /** Whether slash commands are registered. */
  readonly nativeCommands: boolean;
  readonly rest: Readonly<AccountSettings["rest"]>;
  readonly retry: Readonly<AccountSettings["retry"]>;
  readonly rateLimit: Readonly<AccountSettings["rateLimit"]>;
  readonly replyToMode: AccountSettings["replyToMode"];
  readonly streaming: AccountSettings["streaming"];
  /** Bytes of a file that is sent, at most. */
  readonly mediaMaxBytes: number;
}

/** Where members of PluralKit's systems are looked up (P13). */
export interface PluralkitConfig {
  readonly enabled: boolean;
  readonly token?: Secret;
  /** Without a slash at its end: `"https://api.pluralkit.me/v2"`. */
  readonly apiUrl: string;
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

export type Intent = Exclude<AccountSettings["gateway"]["intents"], string>[number];

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

/** The config as one of its accounts sees it. */
export function forAccount({ accounts: _, ...shared }: BotConfig, discord: DiscordConfig): Config {
  return { ...shared, discord };
}
