/**
 * The records that the store's transactions take and return, from a judged message to the end of
 * its turn. Edits, deletions and requests to stop are changes (H6, S5): T1 stores them in the order
 * in which Discord sent them, so Barnacle acknowledges none that is not stored.
 *
 * Limits how many turns of one person, and of one channel, may wait (X4): as rules over plain
 * facts. The store applies them within the transaction that records a message, because only the
 * store knows all open turns.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { NumberedEvent } from "../hooks/hook.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { Charge, TurnCost } from "../spending/usage.ts";
import type { Step } from "../step.ts";
import type { GuildSnapshot, InboundMessage, Sender } from "./inbound.ts";
import type { SlashCommand } from "./interactions.ts";
import type { PairingRequest, PairingService } from "./pairing.ts";
import type { ReactionRecord } from "./events.ts";
import type { Entry } from "./transcript.ts";
import type { KnownFacts, Verdict } from "./verdict.ts";

/**
 * Why a message gets no answer that would have got one: X4, or the limits of catch-up (G6). `refused`:
 * its sender knows the reason from an earlier line, about a spent budget or a right that is missing.
 */
export type UnansweredReason = "queue-full" | "too-old" | "too-many" | "refused";

/** A list of open turns that can be full: those of one sender, or those of one channel. */
export type FullList = "user" | "channel";

/** Maximum numbers of waiting turns: `messages.queue`. */
export interface WaitingLimits {
  /** Waiting turns of one sender with one account, over all channels. */
  readonly perUser: number;
  /** Waiting turns of one channel with one account. */
  readonly perChannel: number;
  /** Open turns of each other person that count in a channel; default: {@link shareOf}. */
  readonly share?: number;
  /** Turns of one channel that run side by side. */
  readonly turnsPerChannel: number;
  /** Config path of `perChannel`, unless it is that of {@link LIMIT_RULES}. */
  readonly channelRule?: string;
}

/** Everything that the store needs to refuse a message. */
export interface WaitingRules extends WaitingLimits {
  /** Whether the sender is an owner: messages of others must not keep owners out of a channel. */
  readonly isOwner: (message: { readonly sender: Sender }) => boolean;
}

/**
 * Numbers of open turns: accepted, and neither answered nor given up. Messages that one turn
 * answers together count once.
 */
interface OpenTurns {
  /** Of the sender, with this account, in all channels. */
  readonly ofUser: number;
  /** Of the channel, with this account; of each other person, {@link shareOf} at most. */
  readonly inChannel: number;
}

/**
 * Decides whether one more turn may wait.
 *
 * Of the open turns of a person, the oldest one runs or is the next to run; of those of a channel, as
 * many as may run side by side. The others wait. So the result does not depend on when exactly a turn
 * begins.
 *
 * @returns The full list, that of the sender first; `undefined` if the turn may wait.
 */
export function fullList(open: OpenTurns, limits: WaitingLimits): FullList | undefined {
  if (open.ofUser - 1 >= limits.perUser) return "user";
  if (open.inChannel - limits.turnsPerChannel >= limits.perChannel) return "channel";
  return undefined;
}

/**
 * How many open turns of another person count in a channel: as many as a person may have, and one
 * fewer than the channel takes. So the turns that one person has from an absence keep no one out.
 */
export function shareOf({ share, perUser, perChannel, turnsPerChannel }: WaitingLimits): number {
  return share ?? Math.min(perUser + 1, perChannel + turnsPerChannel - 1);
}

/**
 * How messages arrive, for the limits of waiting turns: as they are written; after a RESUME, which
 * replays them; or from a channel's history.
 */
export type MessageOrigin = "live" | "replayed" | "history";

/** Config path of the limits of messages from an absence (G6). */
export const CATCH_UP_RULES = "channels.discord.gateway.catchUp";

/** Config path of the limit of a list. */
export const LIMIT_RULES: Readonly<Record<FullList, string>> = {
  user: "messages.queue.perUser",
  channel: "messages.queue.perChannel",
};

export type MessageChange =
  /** `verdict`: that of the policy about the message as it is now. */
  | { readonly kind: "edited"; readonly message: InboundMessage; readonly verdict: Verdict }
  | {
    readonly kind: "deleted";
    readonly channelId: ChannelId;
    readonly messageIds: readonly MessageId[];
  };

/** The turns that a person stops: those of a channel, all or only that person's own. */
export interface StopScope {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel of the turns; absent: all. */
  readonly channelId?: ChannelId;
  /** Only turns for messages of this user; absent: all. */
  readonly userId?: UserId;
  /** A message whose turn goes on: that of the command itself. */
  readonly except?: MessageId;
  /** The only message whose turn stops, with its reason; absent: all. */
  readonly only?: { readonly messageId: MessageId; readonly why: string };
  /** Whether a pause of the account stops them: it must lose no event of a hook (W5). */
  readonly isPause?: boolean;
}

/** Why no model answers while an account is paused (X4), for the operator. */
export const PAUSED = "an owner has paused the bot";

/** How a message lost its turn before an answer. */
export type CutEnd =
  /** The sender has deleted it, or has edited it into a message that gets no answer (H6). */
  | "cancelled"
  /** A person has stopped the turn (S5). */
  | "stopped";

export interface Changed {
  /**
   * Messages that wait or run, and whose text changed or whose turn ended. A running turn of such a
   * message must end without an answer; if the message has not lost it, the turn begins anew.
   */
  readonly touched: readonly MessageId[];
  /** Those of them that have lost their turn for good. */
  readonly cut: readonly MessageId[];
  readonly channels: readonly ChannelId[];
}

/** The result of changes without effect on any turn. */
export const NOTHING_CHANGED: Changed = { touched: [], cut: [], channels: [] };

/** A message with its verdict: one row of T1. */
export interface Judged {
  readonly message: InboundMessage;
  readonly verdict: Verdict;
  /** The policy's verdict, if catch-up (G6) or a full queue (X4) replaced it; else absent. */
  readonly policyVerdict?: Verdict;
  /** Set if the message is accepted, or may be later: a challenge, or an undecided one. */
  readonly route?: Route;
  /** The facts known beside the message when it was judged. */
  readonly knownFacts?: KnownFacts;
  /** Set if the accepted message asks to stop turns (S5). */
  readonly stop?: StopRequest;
  /** The store's number of the policy that judged it; absent if the store kept none. */
  readonly policyId?: number;
  /** Name of the command that the message is, without `/`; absent if it is none. */
  readonly command?: string;
}

/** A judgement of a message: the part of {@link Judged} that the policy decides. */
export type Judgement = Pick<
  Judged,
  "verdict" | "knownFacts" | "policyId" | "command"
>;

/** A message's request to stop turns, with the answers to it. */
export interface StopRequest {
  readonly scope: StopScope;
  /** Messages to send if turns were stopped. */
  readonly reply: readonly Frozen[];
  /** Messages to send if there was none; absent: the message gets a turn like any other. */
  readonly nothing?: readonly Frozen[];
}

/** The input of one T1, which stores all of it or nothing. */
export interface AcceptedBatch {
  readonly accountId: AccountId;
  /**
   * Last sequence number of a shard; RESUME asks for later events. Absent for messages read over
   * REST.
   */
  readonly heard?: { readonly shardId: number; readonly seq: number };
  /** Messages with their verdicts, in the order of their arrival. */
  readonly judged: readonly Judged[];
  /**
   * Our own messages, as the gateway brought them back. Outbox rows with these nonces count as
   * sent.
   */
  readonly echoes: readonly Echo[];
  /** Changes of messages, in their order; they come after `judged`. Absent: none. */
  readonly changes?: readonly MessageChange[];
  /** Reactions that the policy permits, in the order of their arrival; absent: none (H5). */
  readonly reactions?: readonly ReactionRecord[];
  /** Events that start turns, each stored once; absent: none (W7). */
  readonly hookEvents?: readonly NumberedEvent[];
  /** Commands that people have given; absent: none (K5). */
  readonly commands?: readonly SlashCommand[];
  /** Guilds whose stored state changes. */
  readonly guilds: readonly GuildSnapshot[];
  /**
   * Makes codes for unpaired senders. Without it, a challenge makes no code and stores no request.
   */
  readonly pairing?: PairingService;
  /**
   * Limits of waiting turns (X4), and the notices about messages without an answer. Without them,
   * every accepted message gets a turn, and no one gets a notice.
   */
  readonly waiting?: WaitingRules;
}

/** One of the bot's own messages, seen at Discord. */
export interface Echo {
  /** Nonce of the request; absent if a client without nonces posted it as us. */
  readonly nonce?: string;
  readonly messageId: MessageId;
  /** Channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
  /**
   * Unix time in milliseconds at which the gateway brought it; absent if it comes from a channel's
   * history.
   */
  readonly heardAt?: number;
}

/** A message of the bot that this store did not send: another program has the bot's token (G11). */
export interface Foreign {
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
  /**
   * - `unknown`: no row of the outbox has its nonce, or it has no nonce.
   * - `unsent`: a row has its nonce, but no attempt had begun: a second instance computes the same
   *   nonce.
   * - `early`: it arrived before our first attempt.
   */
  readonly why: "unknown" | "unsent" | "early";
}

/** The result of a T1. */
export interface Accepted extends Changed {
  /** Messages that are new to the inbox, each with the verdict that accepts it. */
  readonly accepted: readonly Judged[];
  /** Number of outbox rows that an echo settled. */
  readonly settled: number;
  /** Channels of those rows, each once. */
  readonly settledIn: readonly ChannelId[];
  /** Messages of the bot that this store did not send. */
  readonly foreign: readonly Foreign[];
  /** New messages that wait for a fact. */
  readonly undecided: readonly Judged[];
  /** Requests of unpaired senders who got a code just now. */
  readonly challenged: readonly PairingRequest[];
  /** New messages of people that get no answer (X4). */
  readonly unanswered: readonly UnansweredMessage[];
}

/** A message without an answer. */
export interface UnansweredMessage extends Pick<InboundMessage, "id" | "channelId"> {
  readonly senderId: UserId;
  readonly why: UnansweredReason;
}

export function toUnanswered(
  { id, channelId, sender }: InboundMessage,
  why: UnansweredReason,
): UnansweredMessage {
  return { id, channelId, senderId: sender.id, why };
}

/** The result of a T1 that brought nothing new. */
export const NOTHING_ACCEPTED: Accepted = {
  ...NOTHING_CHANGED,
  accepted: [],
  settled: 0,
  settledIn: [],
  foreign: [],
  undecided: [],
  challenged: [],
  unanswered: [],
};

/** The agent and the session that answer a message. */
export interface Route {
  /** Id of the agent, as the config has it: `"main"`. */
  readonly agentId: string;
  /** The conversation's key: `"agent:main:main"`, `"agent:main:discord:channel:<id>"` (S1). */
  readonly sessionKey: string;
}

/** A waiting message, as far as it decides whether its turn may begin now. */
export interface WaitingTurn {
  readonly sender: Sender;
  readonly route: Route;
  /** Set if no person waits for it: it is a run of a schedule, or an event of a program. */
  readonly isUnasked?: boolean;
  /** The message itself; absent if it must be read from the tables. */
  readonly message?: InboundMessage;
}

/** A message for which a turn has begun (T2). */
export interface Claim {
  /** The claimed message, from the inbox. The store knows the turn by it. */
  readonly message: InboundMessage;
  /** Further messages that the turn answers, in their order; absent: none (S5). */
  readonly also?: readonly InboundMessage[];
  /** The agent and the session that answer it. */
  readonly route: Route;
  /** Number of this turn for the message, from 1; higher after a crash interrupted one. */
  readonly attempt: number;
}

/** All messages that a claim's turn answers, in their order. */
export function messagesOf({ message, also }: Claim): readonly InboundMessage[] {
  return also ? [message, ...also] : [message];
}

/** The message that the reply of a claim's turn belongs to: the last one (S5). */
export function lastOf({ message, also }: Claim): InboundMessage {
  return also?.at(-1) ?? message;
}

export type TurnEnd =
  /** `reason`: why the answer is not whole, for the operator; absent: it is. */
  | { readonly kind: "answered"; readonly reason?: string }
  /** The model chose to say nothing (R10). */
  | { readonly kind: "declined"; readonly reason?: string }
  /** A later message took its place (`messages.queue.mode: "interrupt"`). */
  | { readonly kind: "interrupted" }
  /** A budget is spent (X4); `reason` is for the operator. */
  | { readonly kind: "refused"; readonly reason: string }
  /** `failureId` is the id that the user got; `reason` is for the operator. */
  | { readonly kind: "failed"; readonly failureId: string; readonly reason: string };

/**
 * States of a turn that has ended.
 *
 * - `declined`: the model chose to say nothing (R10).
 * - `cancelled`: the message was deleted, or edited so that it gets no answer (H6).
 * - `stopped`: a person stopped it.
 * - `interrupted`: a later message took its place (S5).
 */
export const ENDED_STATES = [
  "answered",
  "declined",
  "refused",
  "failed",
  "cancelled",
  "stopped",
  "interrupted",
] as const;

export const TURN_STATES = ["waiting", "running", ...ENDED_STATES] as const;

/** The input of one T3, which stores all of it or nothing. */
export interface FinishedTurn {
  readonly claim: Claim;
  readonly end: TurnEnd;
  /** Transcript entries that the session keeps of this turn; none of a failed turn. */
  readonly entries: readonly Entry[];
  /** The turn's last steps, which no TS has stored; absent: none. */
  readonly steps?: readonly Step[];
  /** Messages to send, in this order. */
  readonly outbox: readonly Frozen[];
  /** Whether the outbox may contain drafts of it (R8). */
  readonly mayHaveDrafts?: boolean;
  /** Requests to models that no TS has stored; absent: none. */
  readonly charges?: readonly Charge[];
  /** The cost of the turn; absent if it asked no model. */
  readonly cost?: TurnCost;
  /** The sender learns that a budget of this UTC day is spent. */
  readonly told?: { readonly userId: string; readonly day: number };
  /** In place of an answer, the message gets a reaction (X4). */
  readonly isMarked?: boolean;
}

/** The result of a T3. */
export interface StoredTurn {
  /** False if the claim has ended already; then nothing has changed. */
  readonly stored: boolean;
  /** Number of new messages that the full queue dropped (D4). */
  readonly dropped: number;
}
