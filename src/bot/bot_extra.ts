/** Declares what an extra adds to a running bot: a part of each account, and a watch over the process. */

import type { AlertRecord } from "../core/alerts.ts";
import type { AccountId, GuildId, MessageId, UserId } from "../core/discord/ids.ts";
import type { Delivery } from "../core/outbound/delivery.ts";
import type { OutboxRow } from "../core/outbound/outbound.ts";
import type { ButtonPress, CommandCall } from "../core/inbound/interactions.ts";
import type { CommandAnswer } from "../interactions/base/command.ts";
import type { VoicePort } from "../core/turn/ports/voice.ts";
import type { Finding } from "../core/finding.ts";
import type { NumberedEvent } from "../core/hooks/hook.ts";
import type { ServerEvent } from "../core/hooks/server_event.ts";
import type { Store } from "../store/store.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Tool } from "../core/turn/tool.ts";
import type { Snapshot } from "../http/snapshot.ts";
import type { BotConfig } from "../config/config.ts";
import type { Log } from "../lib/log.ts";
import type { EndedTurn } from "../flows/turn/control/lines_under.ts";
import type { SpeechOf } from "../flows/turn/progress/speech.ts";
import type { BotAccount } from "../account/account.ts";

export interface BotExtra {
  /** Loads its part of an account, once the account connects. */
  readonly account?: () => Promise<CreateAccountPart>;
  /** Watches the process, from its start on. */
  readonly watch?: (process: WatchedProcess) => Watch;
}

/** Creates a part; nothing happens before its `start`. */
export type CreateAccountPart = (account: BotAccount) => AccountPart;

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
