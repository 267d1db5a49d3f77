/**
 * The verdict on a message (accept, ignore, challenge or undecided, each with its reason), the
 * facts that Barnacle fetches before policy decides (P1), and the record of both in the store,
 * without the message's words.
 *
 * Every message gets one, and the store records every one. So there is always an answer to "why is
 * the bot silent?" (P1).
 *
 * The engine that judged the message can judge these facts again. So `barnacle why` shows each
 * check, not only the last one.
 */

import { DAY_MS } from "../../lib/clock.ts";
import { type AccountId, createdAtMs, type MessageId } from "../discord/ids.ts";
import type { InboundMessage, Place, Triggered } from "./inbound.ts";

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
