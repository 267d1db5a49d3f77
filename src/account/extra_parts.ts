/**
 * Declares what an extra adds to a running bot: a part of each account, and a watch over the process; and
 * joins the parts of an account to one.
 */

import type { AlertRecord, Finding } from "../core/finding.ts";
import type { ChannelId, GuildId, MessageId, UserId } from "../core/discord/ids.ts";
import type { NumberedEvent, ServerEvent } from "../core/hooks/hook.ts";
import type { ButtonPress, CommandCall, InboundMessage } from "../core/inbound/inbound.ts";
import type { Delivery } from "../core/outbound/delivery.ts";
import type { OutboxRow } from "../core/outbound/outbound.ts";
import type { Tool } from "../core/turn/tool.ts";
import type { EndedTurn } from "../flows/turn/steps.ts";
import type { SpeechOf, TurnSpeech, TurnToSpeak } from "../flows/turn/finished_turn.ts";
import type { CommandAnswer } from "../interactions/base/command.ts";
import type { Store } from "../store/store.ts";
import type { Bot, BotAccount } from "./account.ts";
import { perAccount } from "./per_account.ts";

export type VoiceAction =
  /** Without a channel: that in which the asker is. */
  | { readonly action: "join"; readonly channelId?: ChannelId }
  | { readonly action: "leave" }
  | { readonly action: "say"; readonly text: string };

/**
 * Acts with the rights of the messages' authors: each of them needs them.
 *
 * @returns The result, in words for people.
 */
export type VoicePort = (
  action: VoiceAction,
  messages: readonly [InboundMessage, ...InboundMessage[]],
) => Promise<string>;

interface Extras {
  parts: readonly AccountPart[];
  isStarted?: true;
}

const extrasOf = perAccount("main", (): Extras => ({ parts: [] }));

/** Creates the parts, once, while the account is made. */
export async function loadExtras(account: BotAccount, extras: readonly BotExtra[]): Promise<void> {
  const creates = await Promise.all(extras.map(({ account: load }) => load?.()));
  extrasOf(account).parts = creates.flatMap((create) => create ? [create(account)] : []);
}

/** The account is online, perhaps again. */
export function startExtras(account: BotAccount): void {
  const extras = extrasOf(account);
  if (extras.isStarted) return;
  extras.isStarted = true;
  for (const part of extras.parts) part.start?.();
}

/** The config has changed; or a command has changed rows of a namespace. */
export function extrasChanged(account: BotAccount, namespace?: keyof Store): void {
  for (const part of extrasOf(account).parts) {
    if (namespace === undefined || part.namespaces?.includes(namespace)) part.reconfigured?.();
  }
}

/** Tells the parts of an event, after the core has handled it. */
export function tellExtras<Name extends keyof ToldEvents>(
  account: BotAccount,
  name: Name,
  ...args: Parameters<ToldEvents[Name]>
): void {
  for (const { events } of extrasOf(account).parts) {
    const handle = events?.[name] as ((...given: typeof args) => void) | undefined;
    handle?.(...args);
  }
}

/** Lines under an answer. A part that fails adds none: the answer is paid for. */
export function linesOfExtras(account: BotAccount, turn: EndedTurn): readonly string[] {
  return extrasOf(account).parts.flatMap((part) => {
    try {
      return part.linesUnder?.(turn) ?? [];
    } catch (error) {
      account.log.error("Cannot make the lines of an extra under an answer", { error });
      return [];
    }
  });
}

/** Runs a command or a press by the part that has its work. */
export async function runByExtra(
  account: BotAccount,
  use: CommandCall | ButtonPress,
): Promise<CommandAnswer> {
  const [running] = extrasOf(account).parts.flatMap<Promise<CommandAnswer>>((
    { commands, presses },
  ) =>
    "customId" in use
      ? presses?.[use.customId.split(":")[0] ?? ""]?.(use) ?? []
      : commands?.[use.name]?.(use) ?? []
  );
  return await running ?? "";
}

/** Runs the tool `voice`. */
export async function voiceOfExtras(
  account: BotAccount,
  ...call: Parameters<VoicePort>
): Promise<string> {
  const [voice] = extrasOf(account).parts.flatMap((part) => part.voice ?? []);
  return await voice?.(...call) ?? "";
}

/** The voice of the first part that has one for this turn. */
export function speechOfExtras(account: BotAccount, turn: TurnToSpeak): TurnSpeech | undefined {
  for (const part of extrasOf(account).parts) {
    const speech = part.speechOf?.(turn);
    if (speech) return speech;
  }
  return undefined;
}

/** The events to answer, which are stored with the gateway's progress (W7). */
export function eventsOfExtras(account: BotAccount, told: ServerEvent): readonly NumberedEvent[] {
  return extrasOf(account).parts.flatMap((part) => part.eventsOf?.(told) ?? []);
}

/**
 * Stores the events of a guild that no session brought.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function readMissedEvents(
  account: BotAccount,
  guildId: GuildId,
  since: number,
): Promise<void> {
  for (const part of extrasOf(account).parts) await part.missedEvents?.(guildId, since);
}

/** The servers at which each person signs in (T13a); one extra has them. */
export function ownServers(account: BotAccount): AccountPart["own"] {
  return extrasOf(account).parts.find(({ own }) => own)?.own;
}

export function extraFindings(account: BotAccount): readonly Finding[] {
  return extrasOf(account).parts.flatMap((part) => part.findings?.() ?? []);
}

/** Stops one part after the other; never rejects, for the core stops after them. */
export async function stopExtras(account: BotAccount): Promise<void> {
  for (const part of extrasOf(account).parts) {
    await part.stop?.().catch((error: unknown) =>
      account.log.error("Cannot stop an extra", { error })
    );
  }
}

export interface BotExtra {
  /** Loads its part of an account, once the account connects. */
  readonly account?: () => Promise<CreateAccountPart>;
  /** Watches the process, from its start on. */
  readonly watch?: (bot: Bot) => Watch;
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

export interface Watch {
  open(): readonly AlertRecord[];
  /** The bot ends by itself: nothing will tell the owners later. Never rejects. */
  lastLook(): Promise<void>;
  /** Ends the watch; a message under way is still sent. */
  stop(): Promise<void>;
}
