/**
 * Decides whether to answer a message, and names the rule that says so.
 *
 * It fetches nothing and waits for nothing. Message, known facts and config are its only inputs, so
 * the same message gets the same verdict today, in a test, and in the demo. It refuses an unlisted
 * sender before any step that depends on the words (P10).
 *
 * By the scores of the intent filter it decides about messages that are not said to the bot (I1).
 */

import { hookText, pathOfHook } from "../core/hooks/hook.ts";
import {
  type AcceptReason,
  hasContent,
  ignored,
  type IgnoreReason,
  isMention,
  type KnownFacts,
  type RecalledMessage,
  type Verdict,
} from "../core/inbound/inbox.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { IntentFacts } from "../core/inbound/inbox.ts";
import {
  commandIn as readCommand,
  type CommandKind,
  commandOf,
  type TextCommand,
} from "../core/inbound/inbound.ts";
import { quoted } from "../lib/text/quoted.ts";
import { PLURALKIT, preparePlaceAccess } from "./place_access.ts";
import { prepareRights } from "./rights.ts";
import { prepareRouter } from "./router.ts";
import { nameOf, type RecordCheck, recordNothing } from "./rules/checks.ts";
import type { AccessPolicy, IntentRules, OpenPlace } from "./rules/rules.ts";
import type { Granted } from "./place_access.ts";

/** Below this, a message for the bot needs no words as an answer; a mention with a greeting does. */
const NEEDS_REPLY = 0.35;
const MENTION_NEEDS_REPLY = 0.3;

/** Why the filter keeps the bot silent. */
type IntentSilence = Extract<
  IgnoreReason,
  "to-others" | "no-score" | "not-for-bot" | "no-reply-needed"
>;

type IntentDecision =
  | Extract<Verdict, { readonly kind: "accept" }>
  | { readonly kind: "ignore"; readonly why: IntentSilence; readonly rule: string };

/** @param facts Absent if the message has no score, because it did not arrive just now. */
function decideIntent(
  facts: IntentFacts | undefined,
  { isMention, mentionsOthers }: {
    /** It mentions the bot, and the config has the filter check mentions, too. */
    readonly isMention: boolean;
    /** It mentions a user or a role other than the bot. */
    readonly mentionsOthers: boolean;
  },
  { enabled, respondThreshold: { value: threshold, rule } }: IntentRules,
  ask: RecordCheck,
): IntentDecision {
  const isToOthers = !isMention && (mentionsOthers || facts?.repliesToOther === true);
  const others = `it mentions ${isToOthers ? "or answers someone" : "and answers no one"} else`;
  if (!ask("others", !isToOthers, enabled.rule, () => others)) {
    return { kind: "ignore", why: "to-others", rule: enabled.rule };
  }
  if (isMention && !facts) return { kind: "accept", why: "mentioned", rule: enabled.rule };
  const scored = () =>
    facts ? "it has a score" : "only a message that arrives just now gets a score";
  if (!ask("score", facts !== undefined, enabled.rule, scored) || !facts) {
    return { kind: "ignore", why: "no-score", rule: enabled.rule };
  }
  const { score, needsReply } = facts;
  if (!ask("intent", score >= threshold, rule, () => scoreFact(facts, threshold))) {
    return { kind: "ignore", why: "not-for-bot", rule };
  }
  const enough = isMention ? MENTION_NEEDS_REPLY : NEEDS_REPLY;
  const reply = () =>
    `that it needs an answer scores ${needsReply.toFixed(2)}, and ${enough.toFixed(2)} is enough`;
  return ask("reply", needsReply >= enough, enabled.rule, reply)
    ? { kind: "accept", why: isMention ? "mentioned" : "intent", rule }
    : { kind: "ignore", why: "no-reply-needed", rule: enabled.rule };
}

/** `"it scores 0.93, and 0.70 is enough: the bot spoke last +1.2; it asks a question +0.8"`. */
function scoreFact({ score, top }: IntentFacts, threshold: number): string {
  const reasons = top.map(({ name, part }) =>
    `${name} ${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(1)}`
  );
  const scores = `it scores ${score.toFixed(2)}, and ${threshold.toFixed(2)} is enough`;
  return reasons.length === 0 ? scores : `${scores}: ${reasons.join("; ")}`;
}

/** A message, or what is stored of one that was judged before. */
type JudgedMessage = InboundMessage | RecalledMessage;

/**
 * Judges one message.
 *
 * @param known Facts known beside the message; none by default.
 */
export type Admit = (message: InboundMessage | RecalledMessage, known?: KnownFacts) => Verdict;

const INTENTS = "channels.discord.gateway.intents";
const TEXT_COMMANDS = "commands.text";
/** Rules that owners set by commands, in place of the config's. */
const ACTIVATION = "/settings activation";
const SEND = "/settings send";
const SILENCED = "an owner has switched answers off here by `/settings send off`";
const ANNOUNCED = "Discord announces the result of a poll, and no person asks anything";

/** Commands that exist, by name without `/`. */
export type ExistingCommands = ReadonlyMap<string, CommandKind>;

const NO_COMMANDS: ExistingCommands = new Map();

/** The commands that exist as text messages: none if the config switches these off (M4). */
export function textCommandsOf(
  { commands: { texts } }: AccessPolicy,
  commands: ExistingCommands,
): ExistingCommands {
  return texts ? commands : NO_COMMANDS;
}

export function prepareAdmission(policy: AccessPolicy, commands: ExistingCommands): Admit {
  const judge = prepareMessages(policy, commands);
  return (message, known = {}) => {
    const verdict = judge(message, known, recordNothing);
    return { ...verdict, rule: policy.ruleOf(verdict.rule) };
  };
}

/**
 * As {@link prepareAdmission}, with each check reported. Rules in the verdicts are paths below
 * `channels.discord`, even if the account inherits them.
 */
export function prepareMessages(policy: AccessPolicy, commands: ExistingCommands): (
  message: InboundMessage | RecalledMessage,
  known: KnownFacts,
  ask: RecordCheck,
) => Verdict {
  const texts = textCommandsOf(policy, commands);
  const rights = prepareRights(policy);
  const checkAccess = preparePlaceAccess(policy, rights);
  const chooseAgent = prepareRouter(policy.router);

  /** The message's command, if it may give access: not if the message mentions others (M4). */
  function lettingCommand(message: JudgedMessage): TextCommand | undefined {
    return message.mentionsOthers ? undefined : commandIn(message, texts);
  }

  function judgeInPlace(
    message: JudgedMessage,
    known: KnownFacts,
    { why, rule, open }: Granted,
    ask: RecordCheck,
  ): Verdict {
    if (message.isAnnouncement && !ask("mention", false, rule, () => ANNOUNCED)) {
      return overhear("no-mention", rule);
    }
    const isTalk = commandIn(message, texts) === undefined;
    if (known.isSilenced && isTalk && !ask("send", false, SEND, () => SILENCED)) {
      return overhear("send-off", SEND);
    }
    if (!open) return rightIsMissing(message, known, ask, true) ?? { kind: "accept", why, rule };
    if (!ask("content", !isEmpty(message), INTENTS, () => contentFact(message))) {
      return ignored("no-content", INTENTS);
    }
    const isToBot = isMention(message) || matchesPattern(message, policy) ||
      !mentionRuleOf(known, open).value;
    return rightIsMissing(message, known, ask, isToBot) ?? judgeMention(message, known, open, ask);
  }

  /**
   * Ignores a command that the sender may not give. If it is meant for the bot, its turn checks the
   * right, and says so; without a mention, it may be meant for another bot.
   */
  function rightIsMissing(
    message: JudgedMessage,
    known: KnownFacts,
    ask: RecordCheck,
    isToBot: boolean,
  ): Verdict | undefined {
    const command = commandIn(message, texts);
    if (!command) return undefined;
    const { place, sender } = message;
    const isTold = known.rightsLater === true && isToBot && !message.mentionsOthers;
    const isLater = isTold || isCheckedLater(command, known, policy);
    ask("command", true, TEXT_COMMANDS, () => `it is the command /${command.name}`);
    const right = isLater ? undefined : rights.needed(command.kind.needs, place, sender, known);
    if (!right || ask("rights", right.isTheirs, right.rule, right.fact)) return undefined;
    return ignored(right.why, right.rule);
  }

  function judgeMention(
    message: JudgedMessage,
    known: KnownFacts,
    open: OpenPlace,
    ask: RecordCheck,
  ): Verdict {
    const { intentFilter, threads } = open;
    const requireMention = mentionRuleOf(known, open);
    const { triggered } = known;
    if (triggered) {
      const fact = () => `a ${triggered.event} of the passive agent ${quoted(triggered.agentId)}`;
      ask("trigger", true, triggered.rule, fact);
      return proxyIsAwaited(message, known, ask, policy) ?? accept("triggered", triggered.rule);
    }
    const isCommand = lettingCommand(message) !== undefined;
    const isMeant = isCommand || isMention(message) || matchesPattern(message, policy);
    const isFiltered = intentFilter.enabled.value;
    const continues = !isMeant && known.inAnswerThread === true &&
      (requireMention.value || isFiltered);
    const fact = () => mentionFact(isMeant, isCommand, requireMention.value, continues);
    const { rule } = continues ? threads : requireMention;
    if (!ask("mention", isMeant || continues || !requireMention.value, rule, fact)) {
      return overhear("no-mention", rule);
    }
    const isSure = isCommand || continues ||
      (isMeant && intentFilter.alwaysRespondToMentions.value);
    const byScore = isFiltered && !isSure
      ? decideIntent(known.intent, { ...message, isMention: isMeant }, intentFilter, ask)
      : undefined;
    if (byScore?.kind === "ignore") {
      return overhear(byScore.why, byScore.rule);
    }
    const why = byScore?.why ??
      (isCommand ? "command" : isMeant ? "mentioned" : "mention-not-required");
    return proxyIsAwaited(message, known, ask, policy) ??
      accept(why, isCommand ? TEXT_COMMANDS : byScore?.rule ?? rule);
  }

  /** Leaves an accepted message to the account that answers it (N2). */
  function forAccount(
    message: JudgedMessage,
    known: KnownFacts,
    verdict: Verdict,
    ask: RecordCheck,
  ): Verdict {
    const { accountId, rule } = chooseAgent({ ...message, ...known.routing }, ask);
    if (accountId === message.accountId) return verdict;
    return overhear("other-account", rule);
  }

  return (message, known, ask) => {
    const { place, channelId, sender } = message;
    const { hook } = known;
    if (hook !== undefined) { // the operator has chosen its place
      const rule = pathOfHook(hook);
      ask("hook", true, rule, () => `an event of ${hookText(hook)}`);
      return accept("hook", rule);
    }
    const caller = {
      place,
      channelId,
      sender,
      known,
      needs: () => lettingCommand(message)?.kind.needs,
      isChallenged: !message.isAnnouncement,
      isMessage: true,
    };
    const access = checkAccess(caller, ask);
    if (access.kind !== "granted") return access;
    const verdict = judgeInPlace(message, known, access, ask);
    return verdict.kind === "accept" && !known.triggered
      ? forAccount(message, known, verdict, ask)
      : verdict;
  };
}

/** Whether a mention is needed: by an owner's choice, or else by the config (M1). */
function mentionRuleOf(
  { activation }: KnownFacts,
  { requireMention }: OpenPlace,
): OpenPlace["requireMention"] {
  return activation === undefined
    ? requireMention
    : { value: activation === "mention", rule: ACTIVATION };
}

/**
 * Whether the right to a command depends on a fact that no message contains: permissions of its
 * author, or the application's owners. Barnacle asks Discord for it before the command runs.
 */
function isCheckedLater(
  { kind: { needs } }: TextCommand,
  { managesMessages, ownsApplication, rightsLater = false }: KnownFacts,
  { commands: { owners } }: AccessPolicy,
): boolean {
  if (!rightsLater) return false;
  if (needs === "session") return managesMessages === undefined;
  return needs === "owner" && !owners && ownsApplication === undefined;
}

/** Lets an original wait that PluralKit may still replace (P13). */
function proxyIsAwaited(
  { sender }: InboundMessage,
  { isProxied, isUnproxied }: KnownFacts,
  ask: RecordCheck,
  { asksPluralkit }: AccessPolicy,
): Verdict | undefined {
  if (!asksPluralkit || !isProxied || sender.automaton || sender.pluralkit) {
    return undefined;
  }
  const isTheirs = isUnproxied === true;
  const fact = () =>
    `PluralKit has proxied ${nameOf(sender)} before, and ${
      isTheirs ? "did not proxy this" : "may still proxy this"
    }`;
  if (ask("original", isTheirs, PLURALKIT, fact)) return undefined;
  return { kind: "undecided", why: "pluralkit-original", rule: PLURALKIT };
}

/**
 * Whether Discord withheld the content. It never does so if the message mentions the bot, so a
 * mention alone is a message. A reply without a ping arrives without content (M5).
 */
function isEmpty(message: JudgedMessage): boolean {
  const { mention } = message;
  if (mention === "user" || mention === "role") return false;
  return !("content" in message ? message.content.hasContent : hasContent(message));
}

function matchesPattern(message: JudgedMessage, policy: AccessPolicy): boolean {
  return "content" in message
    ? message.content.matchesPattern === true
    : policy.matchesPattern(message.text);
}

function commandIn(message: JudgedMessage, texts: ExistingCommands): TextCommand | undefined {
  if (!("content" in message)) return readCommand(message, texts);
  const { command } = message.content;
  return command === undefined ? undefined : commandOf(`/${command}`, texts);
}

function contentFact(message: JudgedMessage): string {
  return isEmpty(message) ? "Discord sent no content" : "it has content";
}

function mentionFact(
  isMeant: boolean,
  isCommand: boolean,
  isRequired: boolean,
  continues: boolean,
): string {
  if (continues) return "it is in a thread of an answer, which needs no mention";
  if (isCommand) return "it is a command, which needs no mention";
  if (isMeant) return "it addresses the bot";
  return `it does not mention the bot${isRequired ? "" : ", which is not required here"}`;
}

function accept(why: AcceptReason, rule: string): Verdict {
  return { kind: "accept", why, rule };
}

/** Not answered, but a later turn in the channel may see it, if the place allows any turn. */
function overhear(
  why: "no-mention" | "other-account" | "send-off" | IntentSilence,
  rule: string,
): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: true };
}
