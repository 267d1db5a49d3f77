/**
 * What a verdict was made from, as it goes on record: without the words (P1).
 *
 * The same engine that judged can judge them again, so `barnacle why` shows each of its checks, and
 * not only the last one.
 *
 * @module
 */

import { commandOf, COMMANDS } from "./commands.ts";
import { type AccountId, createdAtMs, type MessageId } from "../discord/ids.ts";
import type { InboundMessage, Place } from "./inbound.ts";
import type { KnownFacts } from "./known_facts.ts";
import type { Verdict } from "./verdict.ts";

/**
 * A message without what it says; whoever judges it again needs nothing else.
 *
 * Nothing in it differs for every message: the same sender in the same place gives the same facts,
 * and the store keeps those once.
 */
export interface Facts
  extends
    Omit<InboundMessage, "kind" | "text" | "quoted" | "extras" | "accountId" | "id" | "sentAt"> {
  readonly moment: KnownFacts;
  /** Whether Discord told any words, or anything beside them (M5). */
  readonly hasContent: boolean;
  /** Whether a pattern of the bot's matched; absent where nobody looked. */
  readonly matchesPattern?: boolean;
  /** The command that it is, without `/`, where it is one (M4). */
  readonly command?: string;
}

/** What a verdict needs to know of the words, in place of the words. */
export type Gist = Pick<Facts, "hasContent" | "matchesPattern" | "command">;

/** A message whose words are gone: what is known of them stands in their place. */
export interface RecalledMessage extends InboundMessage {
  readonly gist: Gist;
}

/** One step of how a verdict was come by. */
export interface Check {
  /** `"sender"`: one word, the same for the same question. */
  readonly id: string;
  readonly passed: boolean;
  /** What is so: `"ada (123) is not on the list"`. Names are untrusted. */
  readonly fact: string;
  /** Config path of the rule that was asked. */
  readonly rule: string;
}

/** A verdict with the way to it. */
export interface Explanation {
  readonly verdict: Verdict;
  /** In the order in which they were asked; of a message that is not answered the last one failed. */
  readonly checks: readonly Check[];
}

/** Whether a message says anything: in words, or by what it carries. */
export function hasContent({ text, extras }: Pick<InboundMessage, "text" | "extras">): boolean {
  return text.trim() !== "" || extras.length > 0;
}

/** Whether a message speaks to the bot, patterns apart (M2). A bot that only replies does not. */
export function isMention(
  { mention, sender }: Pick<InboundMessage, "mention" | "sender">,
): boolean {
  return mention !== undefined && !(mention === "reply" && sender.automaton);
}

/**
 * The facts of a message that was judged, as they go on record.
 *
 * Of the words there is only what the verdict says that somebody looked at: of a sender who was
 * turned away, nothing but whether there were any.
 *
 * @param said What policy said, where something else became of it.
 */
export function factsOf(
  message: InboundMessage,
  moment: KnownFacts,
  verdict: Verdict,
  said = verdict,
): Facts {
  const { revision, channelId, guildId, place, sender, mention, mentionsOthers } = message;
  return {
    revision,
    channelId,
    ...(guildId !== undefined && { guildId }),
    place: withoutTopic(place),
    sender,
    ...(mention && { mention }),
    mentionsOthers,
    moment: { ...moment, ...settledBy(verdict) },
    ...gistOf(message, said),
  };
}

/** Roles of a sender whose {@link factsKey} is still short. */
const KEY_ROLES_MAX = 8;

/**
 * A text that tells the facts of a common message: a person's, in a guild's channel, with nothing
 * known beside it. Two messages with the same key have the same {@link factsOf}. It costs a tenth
 * of the facts.
 *
 * @returns `undefined` for any other message.
 */
export function factsKey(
  message: InboundMessage,
  moment: KnownFacts,
  verdict: Verdict,
  said?: Verdict,
): string | undefined {
  const { place, sender } = message;
  const { roles, automaton, applicationId, pluralkit } = sender;
  const isCommon = said === undefined && place.kind === "guild" && place.thread === undefined &&
    roles.length <= KEY_ROLES_MAX && automaton === undefined && applicationId === undefined &&
    pluralkit === undefined && !COMMAND_REASONS.has(verdict.why) && isEmpty(moment);
  if (!isCommon) return undefined;
  const { id, username, tag } = sender;
  let key = `${id} ${message.channelId} ${verdict.why} ${message.revision} ${message.guildId} ` +
    `${message.mention} ${message.mentionsOthers} ${hasContent(message)} ${place.isUnknown} ` +
    `${place.guild.id} ${place.channel.id} ` +
    measured(username) + measured(tag) + measured(place.guild.name) + measured(place.channel.name);
  for (const role of roles) key += ` ${role.id} ${measured(role.name)}`;
  return key;
}

/** A name with its length, so that no name can pass for two. */
function measured(name: string | undefined): string {
  return name === undefined ? "-" : `${name.length} ${name}`;
}

function isEmpty(moment: KnownFacts): boolean {
  for (const _ in moment) return false;
  return true;
}

/** A channel's topic is words as well, and no verdict asks for it. */
function withoutTopic(place: Place): Place {
  if (place.kind !== "guild" || place.topic === undefined) return place;
  const { topic: _, ...rest } = place;
  return rest;
}

/** What the store found out when it settled a verdict: whether the sender is paired. */
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

function gistOf(message: InboundMessage, { why }: Verdict): Gist {
  const matchesPattern = isMention(message) ? undefined : PATTERN_BY_REASON.get(why);
  const command = COMMAND_REASONS.has(why) ? commandOf(message.text, COMMANDS) : undefined;
  return {
    hasContent: hasContent(message),
    ...(matchesPattern !== undefined && { matchesPattern }),
    ...(command && { command: command.name }),
  };
}

type Reason = Verdict["why"];

/** What a reason tells of the patterns, where nothing else mentions the bot. */
const PATTERN_BY_REASON: ReadonlyMap<Reason, boolean> = new Map([
  ["mentioned", true],
  // It would have been answered; that it waits does not say why, and as well by a pattern.
  ["pluralkit-original", true],
  ["pk-original", true],
  ["no-mention", false],
  ["mention-not-required", false],
  ["rule-not-built", false],
]);

/** Reasons that a command may have been what mattered for. */
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

/** The message again, as far as it is known; whoever judges it comes to the same verdict. */
export function toMessage(
  facts: Facts,
  { id, accountId }: { readonly id: MessageId; readonly accountId: AccountId },
): RecalledMessage {
  const { moment: _, hasContent, matchesPattern, command, ...rest } = facts;
  return {
    kind: "message",
    id,
    accountId,
    ...rest,
    sentAt: createdAtMs(id),
    text: "",
    extras: [],
    gist: {
      hasContent,
      ...(matchesPattern !== undefined && { matchesPattern }),
      ...(command !== undefined && { command }),
    },
  };
}
