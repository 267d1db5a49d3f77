/** Declares what an extra adds to a running bot: a part of each account, and a watch over the process. */

import type { AlertRecord } from "../core/alerts.ts";
import type { Show } from "../core/turn/ports/discord_call.ts";
import type { AccountId, GuildId, MessageId, UserId } from "../core/discord/ids.ts";
import type { Delivery } from "../core/outbound/delivery.ts";
import type { OutboxRow } from "../core/outbound/outbound.ts";
import type { OwnVoice } from "../core/discord/voice.ts";
import type { ButtonPress, CommandCall } from "../core/inbound/interactions.ts";
import type { CommandAnswer } from "../interactions/base/command.ts";
import type { VoicePort } from "../core/turn/ports/voice.ts";
import type { Model } from "../core/model.ts";
import type { SpendPort } from "../core/spending/metered_model.ts";
import type { Finding } from "../core/finding.ts";
import type { NumberedEvent } from "../core/hooks/hook.ts";
import type { ServerEvent } from "../core/hooks/server_event.ts";
import type { Store } from "../store/store.ts";
import type { InteractionContext } from "../interactions/base/context.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Judgement, Route } from "../core/inbound/inbox.ts";
import type { Conversation } from "../session/session_key.ts";
import type { Tool } from "../core/turn/tool.ts";
import type { Reader } from "../discord/gateway/read/reader.ts";
import type { VoiceIndex } from "../discord/gateway/read/voice_index.ts";
import type { ActionsOptions } from "../discord/rest/actions/options.ts";
import type { RestClient } from "../discord/rest/client/client.ts";
import type { Snapshot } from "../http/snapshot.ts";
import type { BotConfig } from "../config/config.ts";
import type { Env } from "../lib/env.ts";
import type { Log } from "../lib/log.ts";
import type { EndedTurn } from "../flows/turn/control/lines_under.ts";
import type { SpeechOf } from "../flows/turn/progress/speech.ts";
import type { Speech } from "./rules/setup.ts";
import type { AccountContext } from "./account_context.ts";

export interface BotExtra {
  /** Loads its part of an account, once the account connects. */
  readonly account?: () => Promise<CreateAccountPart>;
  /** Watches the process, from its start on. */
  readonly watch?: (process: WatchedProcess) => Watch;
}

/** Creates a part; nothing happens before its `start`. */
export type CreateAccountPart = (
  account: AccountContext,
  services: AccountServices,
) => AccountPart;

export interface AccountServices {
  readonly client: RestClient;
  readonly reader: Pick<Reader, "index">;
  /** Judges a question by a command, which the account does not answer by a turn. */
  readonly judge: (message: InboundMessage) => Judgement;
  readonly sessionOf: (call: Conversation) => Route;
  readonly spend: SpendPort;
  /** Models that hear and speak, of the current config. */
  readonly speech: () => Speech;
  /** The first model of an agent. */
  readonly modelOf: (agentId: string) => Model;
  readonly closedBy: ActionsOptions["closedBy"];
  /** Shows a message that was read at Discord, as far as the policy lets it. */
  readonly show: Show;
  /** Removes secrets of the config from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** The part of a growing answer that people may see. */
  readonly harmlessPart: (text: string) => string;
  readonly ask: InteractionContext["ask"];
  readonly dataDir: string;
  readonly version: string;
  /** The process environment, which names servers of models. */
  readonly env: Env;
  /** Absent if the config had no `voice` when the account connected. */
  readonly voice?: VoiceService | undefined;
}

/** The main gateway's part of calls. */
export interface VoiceService extends Pick<VoiceIndex, "of" | "onChange" | "listen"> {
  readonly set: (own: OwnVoice) => void;
  /** Tells that a call has run much code: its memory is returned soon. */
  readonly hasLoaded: () => void;
  /** How voice servers are reached: unencrypted if Discord's API is, as on the way to a simulator. */
  readonly scheme: "ws" | "wss";
}

/** What parts are told of, after the core has handled it. */
export interface ToldEvents {
  /** A message was edited or deleted. */
  messageChanged(id: MessageId): void;
  /** A person was forgotten (X5): memory drops their words and names. */
  personForgotten(userId: UserId): void;
  /** A change of a turn was taken back (T3). */
  undone(turnId: MessageId): void;
  /** The turn of a hook's event has ended: further events may be answered. */
  hookEnded(): void;
  /** Events of hooks are stored. */
  hookStored(): void;
  delivered(row: OutboxRow, delivery: Delivery): void;
  /** The store has the result of that attempt, or a row is given up without one. */
  attempted(row: OutboxRow): void;
}

/** An extra's part of an account; it takes the moments that it needs. */
export interface AccountPart {
  /** The account is online for the first time. */
  start?(): void;
  /** The config has changed, or a command has changed rows of its namespaces. */
  reconfigured?(): void;
  /** Namespaces of the store whose changes by a command concern it. */
  readonly namespaces?: readonly (keyof Store)[];
  /** Its handlers of the account's events, after those of the core. */
  readonly events?: Partial<ToldEvents>;
  /** Its work of commands that the registry declares, by their names. */
  readonly commands?: Readonly<Record<string, (call: CommandCall) => Promise<CommandAnswer>>>;
  /** Its work of buttons that the registry declares, by their names. */
  readonly presses?: Readonly<Record<string, (press: ButtonPress) => Promise<string>>>;
  /** Its work of the tool `voice`. */
  readonly voice?: VoicePort;
  /** Lines under an answer, in small letters. They name nothing that its readers may not see. */
  linesUnder?(turn: EndedTurn): readonly string[];
  /** Speaks the answer of a turn in its call (V5). */
  readonly speechOf?: SpeechOf;
  /** The events to answer, which are stored with the gateway's progress (W7). */
  eventsOf?(told: ServerEvent): readonly NumberedEvent[];
  /** Stores those of a guild that no session brought. Rejects if Discord does not answer. */
  missedEvents?(guildId: GuildId, since: number): Promise<void>;
  /** The servers at which each person signs in (T13a); one extra has them. */
  readonly own?: {
    ready(message: InboundMessage): Promise<void>;
    /** The tools that it adds to a turn: the same ones. Of a turn with `own`, all of its tools. */
    tools(message: InboundMessage): readonly Tool[];
  };
  findings?(): readonly Finding[];
  /** Takes no new work, and resolves once the current one has ended. */
  stop?(): Promise<void>;
}

export interface WatchedProcess {
  readonly config: () => BotConfig;
  readonly store: Store;
  readonly snapshot: () => Snapshot;
  /** The snapshot after a probe of the store. */
  readonly measure: () => Promise<Snapshot>;
  /** Reads the store's figures into the snapshot; never rejects. */
  readonly refresh: () => Promise<void>;
  /** Sends a notice to the owners; rejects if it reaches none; `undefined`: the account does not run. */
  readonly reachOwners: (accountId: AccountId, text: string) => Promise<number> | undefined;
  readonly now: () => number;
  readonly log: Log;
}

export interface Watch {
  open(): readonly AlertRecord[];
  /** The bot ends by itself: nothing will tell the owners later. Never rejects. */
  lastLook(): Promise<void>;
  /** Ends the watch; a message under way is still sent. */
  stop(): Promise<void>;
}
