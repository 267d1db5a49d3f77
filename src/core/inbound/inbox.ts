/**
 * The verdict on a message, and the records that the store's transactions take and return, up to
 * the end of its turn.
 *
 * Every message gets a verdict, and the store records each with its facts: the engine can judge them
 * again. So there is always an answer to "why is the bot silent?" (P1), with each check.
 *
 * Edits, deletions and requests to stop are changes (H6, S5): T1 stores them in the order in which
 * Discord sent them, so Barnacle acknowledges none that is not stored.
 *
 * The limits of waiting turns (X4) are rules over plain facts, which the store applies within the
 * transaction that records a message: only the store knows all open turns.
 */

import { DAY_MS } from "../../lib/clock.ts";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type MessageId,
  type UserId,
} from "../discord/ids.ts";
import type { NumberedEvent } from "../hooks/hook.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { Charge, TurnCost } from "../spending/budget.ts";
import type { Step } from "../step.ts";
import type {
  Entry,
  GuildSnapshot,
  InboundMessage,
  Place,
  ReactionRecord,
  Sender,
  SlashCommand,
  Triggered,
} from "./inbound.ts";
import type { PairingOffer, PairingRequest } from "./pairing.ts";

/** Known facts of one message. An absent fact is unknown, or does not apply. */
export interface KnownFacts {
  /** Whether the sender is paired; absent until the store has answered. */
  readonly isPaired?: boolean;
  /** PluralKit's answer about a webhook's message; absent if Barnacle did not ask. */
  readonly pluralkit?: "found" | "none" | "failed";
  /** PluralKit has proxied this person before. Its message counts in place of this one. */
  readonly isProxied?: boolean;
  /** PluralKit did not replace this message within its time: it is the person's own. */
  readonly isUnproxied?: boolean;
  /** Another account of this process wrote it (N3). */
  readonly isOurs?: boolean;
  /** Only bots have written here for so long that Barnacle answers none of them (P11). */
  readonly isMuted?: boolean;
  /** Discord lists the sender as owner of the application, or as a member of its team (P10). */
  readonly ownsApplication?: boolean;
  /** It is in a thread of an answer, where the conversation continues without mentions (S7). */
  readonly inAnswerThread?: boolean;
  /**
   * It is a text command, and Barnacle checks the sender's rights again before it runs: Discord
   * knows those that the message does not contain, and the sender learns of a refusal (K3).
   */
  readonly rightsLater?: boolean;
  /** Whether this place needs mentions, if an owner has chosen that by `/settings activation` (K2). */
  readonly activation?: "mention" | "always";
  /** An owner has switched answers off in this place by `/settings send off` (K2). */
  readonly isSilenced?: boolean;
  /** The scores of the intent filter; absent if it is off (I1). */
  readonly intent?: IntentFacts;
  /** The sender may manage messages in this place (K3). */
  readonly managesMessages?: boolean;
  /** Facts that choose the agent; absent if there are none beside the message (N2). */
  readonly routing?: RoutingFacts;
  /** It is the run of a passive agent, for that trigger (N1). */
  readonly triggered?: Triggered;
  /** It is an event for that hook (W3). */
  readonly hook?: string;
}

/**
 * Facts beside a message that choose its agent and its account (N2). They do not depend on the
 * account that received the message. Absent: none.
 */
export interface RoutingFacts {
  /** Accounts of this process that the message addresses, in its order. */
  readonly mentioned?: readonly AccountId[];
  /** Agents whose own pattern or name is in the text, in the order of `agents.list`. */
  readonly named?: readonly string[];
  /** The agent whose answer opened the thread. */
  readonly threadAgent?: string;
  /** Accounts that would answer the message, in the order of the config; absent: the one only. */
  readonly accounts?: readonly AccountId[];
}

/** A feature that moved a score. */
export interface IntentReason {
  /** In plain English: `"the bot spoke last"`. */
  readonly name: string;
  /** Its part of the score's logit, compared with a typical message. */
  readonly part: number;
}

export interface IntentFacts {
  /** How likely the message is for the bot, from 0 to 1. */
  readonly score: number;
  /** How likely it needs an answer in words, if it is for the bot: from 0 to 1. */
  readonly needsReply: number;
  /** The strongest features of `score`. */
  readonly top: readonly IntentReason[];
  /** A mention pattern names the bot. */
  readonly matchesPattern?: true;
  /** It replies to a message of another person. */
  readonly repliesToOther?: true;
}

/** Milliseconds within which a sender hears that their message gets no answer (X4). */
export const TOLD_WITHIN_MS: number = DAY_MS;

/** Why a message is answered. */
export type AcceptReason =
  /** A direct message of a person on the list, or of any person if DMs are open. */
  | "dm-allowed"
  /** A direct message of a paired person (P3). */
  | "dm-paired"
  /** In an open group DM, by a person who may send direct messages (P5). */
  | "group-dm-allowed"
  /** It addresses the bot: by mention, by reply, or by a pattern (M2). */
  | "mentioned"
  /** A command that the sender may give counts without a mention (M4). */
  | "command"
  | "mention-not-required"
  /** By its score, the intent filter takes it to be for the bot (I1). */
  | "intent"
  /** It is the run of a passive agent, one of whose triggers has matched (N1). */
  | "triggered"
  /** It is an event of another program, by a hook of the config (W3). */
  | "hook"
  /** An event other than a message, by a person who may talk to the bot here (P16). */
  | "allowed"
  /** It needs an owner, and an owner sent it (P10). */
  | "owner";

/** Why an unpaired sender gets a code. */
export type ChallengeReason = "pairing";

/** The fact that a verdict still waits for. */
export type UndecidedReason =
  /** Whether PluralKit knows a webhook's message (P13). */
  | "pluralkit"
  /** Whether PluralKit replaces the message that this person has just written (P13). */
  | "pluralkit-original";

/** Why a message is not answered. */
export type IgnoreReason =
  | "dm-disabled"
  /** The sender is not on the list; where pairing is the rule, not paired either. */
  | "dm-not-allowed"
  /** The sender has a code already, and Barnacle has sent it (P3). */
  | "pairing-pending"
  /** Too many unpaired senders ask at once: no code, no reply (P3). */
  | "pairing-full"
  /** Was denied within the hour (P3). */
  | "pairing-denied"
  | "group-dm-disabled"
  | "group-dm-not-listed"
  | "guilds-disabled"
  | "guild-not-listed"
  | "channel-not-listed"
  | "channel-disabled"
  | "sender-not-listed"
  | "bot"
  | "webhook"
  /** Another account of this process wrote it (N3). */
  | "own"
  /** Only bots have written here for a while (P11). */
  | "loop-guard"
  /** PluralKit has replaced it by a message in a member's name, which counts instead (P13). */
  | "pk-original"
  /** Kept as context for the next one that is answered. */
  | "no-mention"
  /** Another account of this process answers it; kept as context (N2). */
  | "other-account"
  /** An owner has switched answers off there by `/settings send off`; kept as context (K2). */
  | "send-off"
  /** Discord sent no content: the message content intent is missing (M5). */
  | "no-content"
  /** Found by catch-up, and older than `gateway.catchUp.maxAgeMin` (G6). */
  | "too-old"
  /** Found by catch-up, before the newest `gateway.catchUp.maxPerChannel` of its channel (G6). */
  | "too-many"
  /** It is `/catchup`, whose answer no conversation keeps (T17). */
  | "caught-up"
  /** The same, and the process ended before its answer (K5). */
  | "command-cut"
  /** Too many turns of the sender, or of the channel, wait already (X4). */
  | "queue-full"
  /** The creator of a schedule has left the guild, or may not see the channel any more (T12). */
  | "creator-gone"
  /** The run of a schedule was due between a backup and its restore (O11). */
  | "restored"
  /** Reactions do not count here, or not on messages of others (H5). */
  | "reactions-off"
  /** It needs a person who may manage messages here, or an owner (K3). */
  | "not-manager"
  | "not-owner"
  | "not-approver"
  /** It mentions no one, or only others, and the intent filter (I1) … takes it to be for others. */
  | "to-others"
  /** … has no score for it, since it did not arrive just now. */
  | "no-score"
  /** … gives it a score below the threshold. */
  | "not-for-bot"
  /** … takes it to need no answer in words, such as thanks. */
  | "no-reply-needed";

/** The decision about a message, its reason, and the config path of the rule that decided. */
export type Verdict =
  | {
    readonly kind: "accept";
    readonly why: AcceptReason;
    /** Config path of the rule that decided: `"channels.discord.guilds.*.requireMention"`. */
    readonly rule: string;
  }
  /** The sender gets a pairing code; the bot does not answer the message itself. */
  | { readonly kind: "challenge"; readonly why: ChallengeReason; readonly rule: string }
  /** Stored, and decided once the missing fact has arrived (P1). */
  | { readonly kind: "undecided"; readonly why: UndecidedReason; readonly rule: string }
  | {
    readonly kind: "ignore";
    readonly why: IgnoreReason;
    readonly rule: string;
    /**
     * Whether a later turn in the channel may see the message (P10: never an unlisted sender's).
     */
    readonly keepAsContext: boolean;
  };

/** Ignores a message so that no later turn sees it. */
export function ignored(why: IgnoreReason, rule: string): Verdict & { readonly kind: "ignore" } {
  return { kind: "ignore", why, rule, keepAsContext: false };
}

/** The verdict on a run or a call: it neither gets a pairing code, nor waits for a fact. */
export function finalVerdict(verdict: Verdict): Verdict {
  switch (verdict.kind) {
    case "accept":
      return verdict;
    case "ignore":
      return ignored(verdict.why, verdict.rule);
    case "challenge":
      return ignored("dm-not-allowed", verdict.rule);
    case "undecided":
      return ignored("webhook", verdict.rule);
  }
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
  /** For a challenge. Without it, the message makes no request, and is ignored. */
  readonly offer?: PairingOffer;
}

/** A judgement of a message: the part of {@link Judged} that the policy decides. */
export type MessageJudgement = Pick<
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
   * Last sequence number of the session; RESUME asks for later events. Absent for messages read over
   * REST.
   */
  readonly heard?: number;
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
export interface UnansweredMessage {
  readonly id: MessageId;
  readonly channelId: ChannelId;
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

/** A message without its words; enough to judge it again. */
export interface Facts extends
  Omit<
    InboundMessage,
    | "kind"
    | "text"
    | "quoted"
    | "extras"
    | "attachments"
    | "displayName"
    | "names"
    | "accountId"
    | "id"
    | "sentAt"
  > {
  /** The facts known beside the message when it was judged. */
  readonly knownFacts: KnownFacts;
  /** Whether Discord delivered any text or attachment (M5). */
  readonly hasContent: boolean;
  /** Whether a mention pattern of the bot matched; absent if the verdict did not depend on it. */
  readonly matchesPattern?: boolean;
  /** Name of the command, without `/`; absent if the verdict did not depend on one (M4). */
  readonly command?: string;
}

/** Facts about the words that a verdict needs, in place of the words. */
export type ContentFacts = Pick<Facts, "hasContent" | "matchesPattern" | "command">;

/** A stored message without its words. */
export interface RecalledMessage extends InboundMessage {
  readonly content: ContentFacts;
}

export interface VerdictCheck {
  /** One word, the same for the same question: `"sender"`. */
  readonly id: string;
  /** Whether the message passed this step. */
  readonly passed: boolean;
  /** The observed fact: `"ada (123) is not on the list"`. Names in it are untrusted. */
  readonly fact: string;
  /** Config path of the rule that this step checked. */
  readonly rule: string;
}

export interface Explanation {
  readonly verdict: Verdict;
  /** In the order of the checks; if the message is not answered, the last one failed. */
  readonly checks: readonly VerdictCheck[];
}

/** Whether a message contains text or anything else to read, such as an attachment. */
export function hasContent({ text, extras }: Pick<InboundMessage, "text" | "extras">): boolean {
  return text.trim() !== "" || extras.length > 0;
}

/** Whether a message addresses the bot, patterns apart (M2). A reply of another bot does not. */
export function isMention(
  { mention, sender }: Pick<InboundMessage, "mention" | "sender">,
): boolean {
  return mention !== undefined && !(mention === "reply" && sender.automaton);
}

/**
 * The facts of a judged message, as the store records them.
 *
 * They do not contain the text. They say whether it has a mention pattern and which command it is,
 * but only if the verdict depended on that. If the sender was refused, they say only whether there
 * was any content.
 *
 * @param said The policy's verdict, if another one replaced it.
 */
export function factsOf(
  message: InboundMessage,
  knownFacts: KnownFacts,
  verdict: Verdict,
  said = verdict,
  command?: string,
): Facts {
  const { revision, channelId, guildId, place, sender, mention, mentionsOthers } = message;
  const { isAnnouncement } = message;
  return {
    revision,
    channelId,
    guildId,
    place: judgedPart(place),
    sender,
    mention,
    mentionsOthers,
    isAnnouncement: isAnnouncement || undefined,
    knownFacts: { ...knownFacts, ...settledBy(verdict) },
    ...contentFactsOf(message, knownFacts, said, command),
  };
}

/** Removes a channel's topic, which is words as well, and its age limit: no verdict needs them. */
function judgedPart(place: Place): Place {
  if (place.kind !== "guild") return place;
  if (place.topic === undefined && place.isAgeRestricted === undefined) return place;
  const { topic: _, isAgeRestricted: __, ...rest } = place;
  return rest;
}

/** Facts that the store added when it settled a verdict: whether the sender is paired. */
function settledBy({ why }: Verdict): KnownFacts {
  switch (why) {
    case "dm-paired":
      return { isPaired: true };
    case "pairing":
    case "pairing-pending":
    case "pairing-full":
    case "pairing-denied":
      return { isPaired: false };
    default:
      return {};
  }
}

function contentFactsOf(
  message: InboundMessage,
  knownFacts: KnownFacts,
  { why }: Verdict,
  command: string | undefined,
): ContentFacts {
  const { intent } = knownFacts;
  const matches = intent ? intent.matchesPattern === true : PATTERN_BY_REASON.get(why);
  const matchesPattern = isMention(message) ? undefined : matches;
  return {
    hasContent: hasContent(message),
    matchesPattern,
    command: command !== undefined && COMMAND_REASONS.has(why) ? command : undefined,
  };
}

type Reason = Verdict["why"];

/** Whether a pattern matched, by reason, if nothing else mentions the bot. */
const PATTERN_BY_REASON: ReadonlyMap<Reason, boolean> = new Map([
  ["mentioned", true],
  // It would have been answered, by a pattern or otherwise: its reason does not tell.
  ["pluralkit-original", true],
  ["pk-original", true],
  ["other-account", true],
  ["no-mention", false],
  ["mention-not-required", false],
  ["intent", false],
  ["to-others", false],
  ["no-score", false],
]);

const COMMAND_REASONS: ReadonlySet<Reason> = new Set([
  "pluralkit-original",
  "pk-original",
  "command",
  "owner",
  "allowed",
  "not-manager",
  "not-owner",
  "not-approver",
]);

/** Rebuilds a message from its facts. Judging it again gives the same verdict. */
export function toMessage(
  facts: Facts,
  { id, accountId }: { readonly id: MessageId; readonly accountId: AccountId },
): RecalledMessage {
  const { knownFacts: _, hasContent, matchesPattern, command, ...rest } = facts;
  return {
    kind: "message",
    id,
    accountId,
    ...rest,
    sentAt: createdAtMs(id),
    text: "",
    extras: [],
    content: { hasContent, matchesPattern, command },
  };
}
