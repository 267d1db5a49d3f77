/**
 * Declares the calls of the tool `discord`, and the errors by which a call asks a person first
 * (T3, T4): the asker's rights and a person's decision are checked wherever it acts.
 *
 * A method rejects with an `Error` whose message tells the model why: the asker may not do it,
 * there is no such channel in the server of the turn, or Discord refuses.
 */

import type { BotAccount } from "../../account/account.ts";
import type { ChannelId, GuildId, MessageId, RoleId, UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import { ALLOW_ONCE, type Decision, type Question } from "../people/question.ts";
import type { Permission } from "../rights/rights.ts";
import { describeMissing, type MissingRight, type SeenAt } from "../rights/rights.ts";
import { type CallEffect, type RefusalReason, RefusedCall } from "./tool.ts";

/** The call of a tool: who asks, where, and in which step of the turn. */
export interface DiscordCall {
  /** The account whose turn calls the tool. */
  readonly account: BotAccount;
  /** The agent whose turn it is. */
  readonly agentId: string;
  /** The message whose turn calls the tool: it runs with the rights of its sender (T4). */
  readonly message: InboundMessage;
  /**
   * Later messages that the turn answers too (S5): each of their senders needs the rights. Absent if
   * there are none.
   */
  readonly also?: readonly InboundMessage[];
  /** Key of the turn's session. Actions of a session run in the order of their calls. */
  readonly sessionKey: string;
  /** Identifies the call among all calls of all turns, also after a crash. */
  readonly callKey: string;
  /** The decision of a person about this call; absent: no person was asked. */
  readonly decision?: Decision;
  /** Whether the turn has a tool, by its name (T2); absent: it has none. */
  readonly mayUse?: (tool: string) => boolean;
  /** Set if its result shows nothing of Discord; absent: what it reads is cut to its readers. */
  readonly showsNothing?: boolean;
  /** Set for a probe, which ends before its first change. */
  readonly isProbe?: true;
  /** Probes with the same object share the facts of servers that they read; absent: it shares none. */
  readonly sharesReads?: object;
  /** Notes parts of the call's effect that its result tells, for its receipt; absent: it has none. */
  readonly noteEffect?: (parts: Partial<CallEffect>) => void;
  /** Aborted when the turn ends, or the call takes too long (T1). */
  readonly signal: AbortSignal;
}

export interface ToolTarget {
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The channel of a thread that is not the place of the turn; absent for other places. */
  readonly parentId?: ChannelId;
}

/** A message as the model reads it. */
export interface ShownMessage {
  readonly id: MessageId;
  /** The author, untrusted; `"you"` for the bot itself. */
  readonly from: string;
  readonly fromId: UserId;
  /** The text, with a line for each extra. Untrusted. */
  readonly text: string;
  readonly timestamp: string;
  /** The same in Unix time, in milliseconds. */
  readonly timestampMs: number;
  /** The message that it replies to; absent if it is no reply. */
  readonly replyTo?: MessageId;
  /** The message that it forwards; absent: none. */
  readonly forwards?: MessageId;
}

/** A range of earlier messages: the newest, or those before a message. */
export interface EarlierRange {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** 1 to 500, counted before the policy. */
  readonly limit: number;
  /** Only older messages; absent: the newest ones, in the turn's own channel those before its message. */
  readonly before?: MessageId;
  /** Only messages from this time on, in Unix time in milliseconds. */
  readonly sinceMs?: number;
}

export interface ShownPlace {
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Whether the channel is a group of direct messages. */
  readonly isGroup: boolean;
  /** Whether the turn is in another channel: it then sees no text behind a spoiler (H9). */
  readonly isElsewhere: boolean;
}

/** A message in Discord's own form; only its id is validated. */
export type RawMessage = Readonly<Record<string, unknown>> & { readonly id: string };

/**
 * A message as one line.
 *
 * @param cut Bounds the text.
 */
export function shownLine(
  { id, from, fromId, timestampMs, replyTo, forwards, text }: ShownMessage,
  cut: (text: string) => string,
): string {
  return JSON.stringify({
    id,
    from,
    from_id: fromId,
    at: new Date(timestampMs).toISOString(),
    reply_to: replyTo,
    forwards,
    text: cut(text),
  });
}

/** Everything of a request to Discord beside its method and path. */
export interface DiscordRequest {
  /** Fields of the query; absent values are left out. */
  readonly query?: Readonly<
    Record<string, string | number | boolean | readonly string[] | undefined>
  >;
  /** Fields in camel case; absent values are left out. */
  readonly body?: object;
  /** Reason for the server's audit log. */
  readonly reason?: string;
  /** One file with fields beside it, as a form. */
  readonly form?: { readonly fields: Readonly<Record<string, string>>; readonly file: MediaFile };
}

/** A picture for an emoji or a sticker. */
export interface MediaFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface UndoRequest {
  readonly method: "PUT" | "PATCH" | "DELETE";
  /** From `/` on. */
  readonly path: string;
  /** In camel case. */
  readonly body?: object;
}

/**
 * The state that an action has left. Undoing compares it with the present one, so that it overwrites
 * no later change of a person.
 */
export interface LeftState {
  readonly path: string;
  /** Id of the role or member whose overwrite in the channel it is; absent: the thing itself. */
  readonly overwrite?: string;
  /** Values by the names of the request's fields, in camel case. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Minutes for which a change can be taken back. */
export const UNDO_MINUTES = 10;

/** How an action is taken back, and the rights that this needs. */
export interface UndoSteps {
  /** What undoing does: `"gives the role back"`. */
  readonly does: string;
  readonly needs: readonly Permission[];
  /** A member that the person must outrank. */
  readonly overUser?: UserId;
  /** A role that the person must be able to give. */
  readonly role?: RoleId;
  /** Set if people may read more by it: then a person does it by hand. */
  readonly opens?: boolean;
  /** Permissions that it gives or denies, and that the person must hold: bits, as digits. */
  readonly holds?: string;
  /** The state to compare first; absent: there is no later change to lose. */
  readonly left?: LeftState;
  /** In order. A repetition changes nothing. */
  readonly requests: readonly UndoRequest[];
}

export interface UndoneAction {
  readonly id: number;
  readonly what: string;
  readonly does: string;
}

export interface WaitingAction {
  readonly callKey: string;
  /** The things that it names, as Discord shows them: mentions, and links to messages. */
  readonly named: readonly string[];
  /** Runs the action as a probe. */
  readonly probe: () => Promise<unknown>;
}

export type HiddenChannel = Extract<MissingRight, { readonly kind: "readers" }>;

/** A call whose effect others see. */
export interface SeenCall extends Pick<WaitingAction, "callKey" | "named"> {
  readonly at: SeenAt;
  readonly name: string;
  /** Its arguments as JSON, for people. */
  readonly written: string;
}

export class LacksRight extends RefusedCall {
  /** Name of the error class, as logs show it. */
  override name = "LacksRight";
  readonly missing: MissingRight;

  /** Says which right is missing; `decision` is absent before a person with it has decided. */
  constructor(missing: MissingRight, decision: Decision | undefined) {
    super(
      missing.kind,
      `the person who asks may not do that there: ${describeMissing(missing, "asker")}${
        endOf(decision)
      }`,
    );
    this.missing = missing;
  }
}

/** A probe has come to its first change: the asker has all rights so far. */
export class ProbeEnded extends Error {
  /** Name of the error class, as logs show it. */
  override name = "ProbeEnded";
  /** The destructive change that it would make; absent for another one. */
  readonly change: ProbedChange | undefined;

  /** Names the change, if it is destructive. */
  constructor(change?: ProbedChange) {
    super("the probe has come to a change");
    this.change = change;
  }
}

export interface ProbedChange {
  /** Its effect, as the end of "would". */
  readonly what: string;
  /** Whether a person must allow it first (T3). */
  readonly asks: boolean;
}

/** Whether a person has let the turn make more destructive changes. */
export function mayGoOn(decision: Decision | undefined): boolean {
  return decision?.kind === "answered" &&
    decision.about === "limit" &&
    decision.answer.choice === ALLOW_ONCE;
}

/** Whether this person has pressed "Go on". */
export function isPressedBy(decision: Decision | undefined, userId: UserId): boolean {
  return mayGoOn(decision) && decision?.kind === "answered" && decision.by === userId;
}

/**
 * A refusal of a call that needs a person's press.
 *
 * @param what Why it needs one.
 * @param reason Counted if no person has decided.
 */
export function notPressed(
  what: string,
  reason: RefusalReason,
  decision: Decision | undefined,
): RefusedCall {
  if (!decision || mayGoOn(decision)) return new RefusedCall(reason, `${what}; ${UNASKED}`);
  const { kind } = decision;
  return new RefusedCall(kind === "answered" ? "declined" : kind, `${what}${endOf(decision)}`);
}

const UNASKED = "no person was asked: tell the asker, and let them ask for it in a new message";

/** A decision against a call, for the model. */
function endOf(decision: Decision | undefined): string {
  if (!decision || mayGoOn(decision)) return "";
  if (decision.kind === "answered") return "; a person said no";
  return `; ${decision.kind === "expired" ? "no person decided in time" : UNASKED}`;
}

/** A link to a message that Discord shows as its place. */
export function messageLink(
  { guildId, channelId, id }: Pick<InboundMessage, "guildId" | "channelId" | "id">,
): string {
  return `https://discord.com/channels/${guildId ?? "@me"}/${channelId}/${id}`;
}

/** Asker and place of the call of a message's turn, for people who decide about it. */
export function askerFacts(message: InboundMessage): Question["facts"] {
  const { sender, channelId } = message;
  const link = messageLink(message);
  return [
    { name: "Who asks", value: `<@${sender.id}> (${sender.id})` },
    { name: "Where", value: `<#${channelId}> · <${link}>` },
  ];
}

/** The most things that a card names beside its text. */
const MAX_NAMED = 10;

/** Things that Discord shows by their names to each reader; with a press, people see them. */
export function namedFacts(named: readonly string[], name = "About"): Question["facts"] {
  const each = [...new Set(named)];
  if (each.length === 0) return [];
  const more = each.length > MAX_NAMED ? ` and ${each.length - MAX_NAMED} more` : "";
  return [{ name, value: each.slice(0, MAX_NAMED).join(" · ") + more }];
}
