/**
 * Decides whether to answer a message, and names the rule that says so.
 *
 * It fetches nothing and waits for nothing. Message, known facts and config are its only inputs, so
 * the same message gets the same verdict today, in a test, and in the demo. It refuses an unlisted
 * sender before any step that depends on the words (P10).
 *
 * Each kind of event passes one gate first: who may talk to the bot in which place (P2–P11, P13, P16,
 * SEC-R15), and who may do more than talk (P10, K3). A new kind of event does not compile until it
 * states its requirements.
 *
 * By the scores of the intent filter it decides about messages that are not said to the bot (I1).
 */

import type { ChannelId } from "../core/discord/ids.ts";
import { hookText, pathOfHook } from "../core/hooks/hook.ts";
import {
  commandIn as readCommand,
  type CommandKind,
  type CommandNeeds,
  commandOf,
  type GuildPlace,
  type InboundMessage,
  type Place,
  type Sender,
  type TextCommand,
} from "../core/inbound/inbound.ts";
import {
  type AcceptReason,
  type Explanation,
  hasContent,
  ignored,
  type IgnoreReason,
  type IntentFacts,
  isMention,
  type KnownFacts,
  type RecalledMessage,
  type Verdict,
  type VerdictCheck,
} from "../core/inbound/inbox.ts";
import { oncePer } from "../lib/cache.ts";
import { quoted } from "../lib/text/quoted.ts";
import { prepareRouter } from "./router.ts";
import {
  type AccessPolicy,
  type AllowEntry,
  createRecorder,
  entryText,
  type GroupEntry,
  type IntentRules,
  isFormOf,
  type OpenPlace,
  prepareAllowlist,
  type ReactionMode,
  type RecordCheck,
  recordNothing,
  rulesFor,
  senderText,
} from "./rules.ts";

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
function prepareMessages(policy: AccessPolicy, commands: ExistingCommands): (
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
    `PluralKit has proxied ${senderText(sender)} before, and ${
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

export interface UserAction {
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  readonly sender: Sender;
}

/** An event that needs permission. `needs` is the right that its command needs. */
export type AccessEvent =
  | { readonly kind: "message"; readonly message: InboundMessage | RecalledMessage }
  /** `on`: whether the bot or another author wrote the message. */
  | UserAction & { readonly kind: "reaction"; readonly on: "own" | "other" }
  | UserAction & {
    readonly kind: "button" | "select" | "modal" | "slash";
    readonly needs: CommandNeeds;
  }
  | UserAction & { readonly kind: "speech" };

/**
 * Judges one event.
 *
 * @param known Facts known beside the event; none by default.
 */
export type Authorize = (event: AccessEvent, known?: KnownFacts) => Verdict;

export function prepareAuthorize(policy: AccessPolicy, commands: ExistingCommands): Authorize {
  const judge = prepareEvents(policy, commands);
  return (event, known = {}) => {
    const verdict = judge(event, known, recordNothing);
    return { ...verdict, rule: policy.ruleOf(verdict.rule) };
  };
}

/** Judges an event as {@link prepareAuthorize} does, and returns every check on the way. */
export function explainVerdict(
  event: AccessEvent,
  known: KnownFacts,
  policy: AccessPolicy,
  commands: ExistingCommands,
): Explanation {
  const checks: VerdictCheck[] = [];
  const verdict = prepareEvents(policy, commands)(
    event,
    known,
    createRecorder(checks, policy.ruleOf),
  );
  return { verdict: { ...verdict, rule: policy.ruleOf(verdict.rule) }, checks };
}

function prepareEvents(
  policy: AccessPolicy,
  commands: ExistingCommands,
): (event: AccessEvent, known: KnownFacts, ask: RecordCheck) => Verdict {
  const judgeMessage = prepareMessages(policy, commands);
  const rights = prepareRights(policy);
  const checkAccess = preparePlaceAccess(policy, rights);

  /** Judges a reaction, once its sender may talk in the place (H5). */
  function judgeReaction(
    { sender, on }: AccessEvent & { readonly kind: "reaction" },
    { open, rule }: Granted,
    ask: RecordCheck,
  ): Verdict {
    const mode = open?.reactionNotifications ?? { value: "own", rule: DMS };
    const isCounted = reactionCounts(mode.value, on, sender, open?.guildUsers?.value);
    const fact = () =>
      `reactionNotifications is "${mode.value}"; ${senderText(sender)} reacts to ${
        on === "own" ? "a message by the bot" : "a message by another author"
      }`;
    if (!ask("reactions", isCounted, mode.rule, fact)) {
      return ignored("reactions-off", mode.rule);
    }
    return { kind: "accept", why: "allowed", rule };
  }

  function judgeCommand(
    { place, sender, needs }: UserAction & { readonly needs: CommandNeeds },
    known: KnownFacts,
    { rule }: Granted,
    ask: RecordCheck,
  ): Verdict {
    const right = rights.needed(needs, place, sender, known);
    if (!right) return { kind: "accept", why: "allowed", rule };
    if (!ask("rights", right.isTheirs, right.rule, right.fact)) {
      return ignored(right.why, right.rule);
    }
    return { kind: "accept", why: needs === "owner" ? "owner" : "allowed", rule: right.rule };
  }

  return (event, known, ask) => {
    if (event.kind === "message") return judgeMessage(event.message, known, ask);
    const { place, channelId, sender } = event;
    const caller = {
      place,
      channelId,
      sender,
      known,
      needs: () => "needs" in event ? event.needs : undefined,
      isChallenged: event.kind === "slash", // the only one of these with which an unpaired sender can begin
      isMessage: false,
    };
    const access = checkAccess(caller, ask);
    if (access.kind !== "granted") return access;
    switch (event.kind) {
      case "reaction":
        return judgeReaction(event, access, ask);
      case "button":
      case "select":
      case "modal":
      case "slash":
        return judgeCommand(event, known, access, ask);
      case "speech":
        return { kind: "accept", why: "allowed", rule: access.rule };
    }
  };
}

/** Direct messages have no key for reactions: those on the bot's messages count. */
const DMS = "channels.discord.dm";

function reactionCounts(
  mode: ReactionMode,
  on: "own" | "other",
  sender: Sender,
  users: readonly AllowEntry[] | undefined,
): boolean {
  switch (mode) {
    case "off":
      return false;
    case "own":
      return on === "own";
    case "all":
      return true;
    case "allowlist":
      return users !== undefined && entryIn(users)(sender) !== undefined;
  }
}

interface Caller {
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  readonly sender: Sender;
  readonly known: KnownFacts;
  /** Returns the right that the event's command needs; `undefined` if it is no command. */
  readonly needs: () => CommandNeeds | undefined;
  /** Whether an unpaired sender may get a pairing code for this in a direct message. */
  readonly isChallenged: boolean;
  /** Whether it is a message, for which PluralKit can name the author. */
  readonly isMessage: boolean;
}

interface Granted {
  readonly kind: "granted";
  /** Reason of the verdict, unless a later check replaces it. */
  readonly why: AcceptReason;
  readonly rule: string;
  /** The rules of the place; absent outside guilds. */
  readonly open?: OpenPlace;
}

/** The sender may not talk here, or not yet. */
type AccessRefusal = Exclude<Verdict, { readonly kind: "accept" }>;

/**
 * Discord's id of PluralKit's application. A webhook of another application is never PluralKit's
 * (SEC-R33).
 */
const PLURALKIT_APPLICATION = "466378653216014359";

const NO_SELF_TALK = "router.noSelfTalk";
/** Config path of the rule by which Barnacle asks PluralKit. */
export const PLURALKIT = "channels.discord.pluralkit.enabled";

function preparePlaceAccess(
  policy: AccessPolicy,
  rights: Rights,
): (caller: Caller, ask: RecordCheck) => Granted | AccessRefusal {
  const { asksPluralkit } = policy;
  const senders = prepareSenders(policy);
  const { unlistedGrant, automatonIsRefused } = senders;
  const { decideDirect, decideGroup } = prepareDirectAccess(policy, rights, senders);

  function decideGuild(
    caller: Caller,
    ask: RecordCheck,
    place: GuildPlace,
  ): Granted | AccessRefusal {
    const rules = rulesFor(place, policy, ask);
    if (rules.kind === "closed") return ignored(rules.why, rules.rule);
    return pluralkitIsAsked(caller, ask) ?? automatonIsRefused(caller, ask) ??
      guildSender(caller, ask, rules);
  }

  function pluralkitIsAsked(
    { sender, known: { pluralkit }, isMessage }: Caller,
    ask: RecordCheck,
  ): AccessRefusal | undefined {
    const { automaton, applicationId } = sender;
    if (!isMessage || !asksPluralkit) return undefined;
    if (automaton !== "webhook" || applicationId !== PLURALKIT_APPLICATION) return undefined;
    const isKnown = pluralkit !== undefined;
    if (ask("pluralkit", isKnown, PLURALKIT, () => PLURALKIT_SAYS[pluralkit ?? "unasked"])) {
      return undefined;
    }
    return { kind: "undecided", why: "pluralkit", rule: PLURALKIT };
  }

  function guildSender(
    { sender, needs }: Caller,
    ask: RecordCheck,
    open: OpenPlace,
  ): Granted | AccessRefusal {
    const { users } = open;
    if (!users) return { kind: "granted", why: "allowed", rule: open.rule, open };
    const entry = entryIn(users.value)(sender);
    const grant = entry || needs() === undefined ? undefined : unlistedGrant();
    const rule = grant?.rule ?? users.rule;
    const fact = grant?.fact ??
      (() => entry ? onTheList(sender, entry) : `${senderText(sender)} is not on the list`);
    if (!ask("sender", entry !== undefined || grant !== undefined, rule, fact)) {
      return ignored("sender-not-listed", rule);
    }
    return { kind: "granted", why: "allowed", rule, open };
  }

  return (caller, ask) => {
    const { place, sender, known } = caller;
    if (known.isOurs) {
      ask("own", false, NO_SELF_TALK, () => `${senderText(sender)} is an account of this Barnacle`);
      return ignored("own", NO_SELF_TALK);
    }
    switch (place.kind) {
      case "dm":
        return decideDirect(caller, ask);
      case "group_dm":
        return decideGroup(caller, ask, place.name);
      case "guild":
        return decideGuild(caller, ask, place);
    }
  };
}

const PLURALKIT_SAYS = {
  unasked: "PluralKit posted it, and Barnacle has not asked yet for the author",
  found: "PluralKit knows it, but it counts as the webhook's message",
  none: "PluralKit does not know it, so it counts as a webhook's message",
  failed: "PluralKit did not answer in time, so it counts as a webhook's message",
} as const;

const DM_ENABLED = "channels.discord.dm.enabled";
const DM_POLICY = "channels.discord.dm.policy";
const ALLOW_FROM = "channels.discord.dm.allowFrom";
const GROUP_ENABLED = "channels.discord.dm.groupEnabled";
const GROUP_CHANNELS = "channels.discord.dm.groupChannels";

/** Prepares a policy's rules for direct messages and group DMs. */
function prepareDirectAccess(
  { dm }: AccessPolicy,
  rights: Rights,
  { unlistedGrant, automatonIsRefused }: ReturnType<typeof prepareSenders>,
) {
  function decideDirect(caller: Caller, ask: RecordCheck): Granted | AccessRefusal {
    return dmsAreOff(ask) ?? automatonIsRefused(caller, ask) ?? directSender(caller, ask);
  }

  function dmsAreOff(ask: RecordCheck): AccessRefusal | undefined {
    if (!ask("dm", dm.enabled, DM_ENABLED, () => `dm.enabled is ${dm.enabled}`)) {
      return ignored("dm-disabled", DM_ENABLED);
    }
    const isOn = dm.policy !== "disabled";
    if (!ask("dm-policy", isOn, DM_POLICY, () => `dm.policy is "${dm.policy}"`)) {
      return ignored("dm-disabled", DM_POLICY);
    }
    return undefined;
  }

  function directSender(caller: Caller, ask: RecordCheck): Granted | AccessRefusal {
    const { sender, isChallenged, known } = caller;
    const grant = directGrant(caller);
    const canPair = dm.policy === "pairing";
    const rule = grant?.rule ?? (canPair ? DM_POLICY : ALLOW_FROM);
    const fact = grant?.fact ??
      (() => `${senderText(sender)} is not on the list${canPair ? notPaired(known) : ""}`);
    ask("sender", grant !== undefined, rule, fact);
    if (grant) return { kind: "granted", why: grant.why, rule };
    if (canPair && isChallenged && !sender.automaton) {
      return { kind: "challenge", why: "pairing", rule };
    }
    return ignored("dm-not-allowed", rule);
  }

  function directGrant({ place, sender, known, needs }: Caller): AccessGrant | undefined {
    if (dm.policy === "open") {
      return { why: "dm-allowed", rule: DM_POLICY, fact: () => `dm.policy is "open"` };
    }
    const entry = entryIn(dm.allowFrom)(sender);
    if (entry) return { why: "dm-allowed", rule: ALLOW_FROM, fact: () => onTheList(sender, entry) };
    if (dm.policy === "pairing" && known.isPaired && !sender.automaton) {
      return { why: "dm-paired", rule: DM_POLICY, fact: () => `${senderText(sender)} is paired` };
    }
    const owner = dm.policy === "pairing" && rights.needed("owner", place, sender, known);
    // Only owners approve, so an owner would approve themselves.
    if (owner && owner.isTheirs) return { why: "dm-allowed", rule: owner.rule, fact: owner.fact };
    const need = needs();
    if (need === "owner" || need === "approver") {
      const right = rights.needed(need, place, sender, known);
      if (!right?.isTheirs) return undefined;
      return { why: need === "owner" ? "owner" : "allowed", rule: right.rule, fact: right.fact };
    }
    return need === undefined ? undefined : unlistedGrant();
  }

  function decideGroup(
    caller: Caller,
    ask: RecordCheck,
    name: string | undefined,
  ): Granted | AccessRefusal {
    const off = dmsAreOff(ask);
    if (off) return off;
    if (
      !ask("group", dm.groupEnabled, GROUP_ENABLED, () => `dm.groupEnabled is ${dm.groupEnabled}`)
    ) {
      return ignored("group-dm-disabled", GROUP_ENABLED);
    }
    const { groupChannels } = dm;
    const isListed = isGroupListed(groupChannels, caller.channelId, name);
    const fact = () =>
      groupChannels
        ? `the group ${name === undefined ? "" : `${quoted(name)} `}(${caller.channelId}) is ${
          isListed ? "listed" : "not listed"
        }`
        : "no groups are listed, so all are allowed";
    if (!ask("group-list", isListed, GROUP_CHANNELS, fact)) {
      return ignored("group-dm-not-listed", GROUP_CHANNELS);
    }
    const refusal = automatonIsRefused(caller, ask);
    if (refusal) return refusal;
    // In a group no unpaired sender gets a code. But the store, which settles challenges, knows pairings.
    const isChallenged = caller.isMessage && caller.isChallenged &&
      caller.known.isPaired === undefined;
    const access = directSender({ ...caller, isChallenged }, ask);
    return access.kind === "granted" && access.why.startsWith("dm-")
      ? { ...access, why: "group-dm-allowed" }
      : access;
  }

  return { decideDirect, decideGroup };
}

/** Whether a group DM is listed; without a list, every group is. */
export function isGroupListed(
  entries: readonly GroupEntry[] | undefined,
  channelId: ChannelId,
  name: string | undefined,
): boolean {
  if (!entries) return true;
  return entries.some((entry) => {
    switch (entry.kind) {
      case "any":
        return true;
      case "channel":
        return entry.id === channelId;
      case "name":
        return name !== undefined && isFormOf(entry.name, name);
    }
  });
}

function notPaired({ isPaired }: KnownFacts): string {
  return isPaired === undefined
    ? ", and Barnacle does not know yet whether they are paired"
    : ", nor paired";
}

interface AccessGrant {
  readonly why: AcceptReason;
  /** Config path that gives access. */
  readonly rule: string;
  /** Writes the observed fact, for the operator. */
  readonly fact: () => string;
}

const ALLOW_BOTS = "channels.discord.allowBots";
const LOOP_GUARD = "channels.discord.loopGuard";
const ACCESS_GROUPS = "commands.useAccessGroups";

/** Prepares a policy's allow lists and its rules for bots. */
function prepareSenders({ allowBots, commands }: AccessPolicy) {
  return {
    /** Access for a command if the allow lists do not apply to commands (K3); else `undefined`. */
    unlistedGrant(): AccessGrant | undefined {
      if (commands.usesAccessGroups) return undefined;
      return {
        why: "command",
        rule: ACCESS_GROUPS,
        fact: () => "the allow lists do not apply to commands",
      };
    },
    /** Refuses a bot or webhook that the policy does not let in, or that the loop guard mutes. */
    automatonIsRefused({ sender, known }: Caller, ask: RecordCheck): AccessRefusal | undefined {
      const { automaton } = sender;
      if (!automaton) return undefined;
      const fact = () => `${senderText(sender)} is a ${automaton}, and allowBots is ${allowBots}`;
      if (!ask("bots", allowBots, ALLOW_BOTS, fact)) return ignored(automaton, ALLOW_BOTS);
      const isAllowed = known.isMuted !== true;
      const loop = () =>
        isAllowed
          ? "the last messages here are not only by bots"
          : "the last messages here are all by bots, so none of them is answered until a person " +
            "writes or they have been quiet";
      return ask("loop", isAllowed, LOOP_GUARD, loop)
        ? undefined
        : ignored("loop-guard", LOOP_GUARD);
    },
  };
}

/** The fact that a sender is on an allow list, for the operator. */
function onTheList(sender: Sender, entry: AllowEntry): string {
  return `${senderText(sender)} is on the list as ${quoted(entryText(entry))}`;
}

export interface Right {
  readonly isTheirs: boolean;
  readonly why: IgnoreReason & ("not-manager" | "not-owner" | "not-approver");
  readonly rule: string;
  /** Writes the observed fact, for the operator. */
  readonly fact: () => string;
}

const OWNERS = "commands.ownerAllowFrom";
const APPROVERS = "channels.discord.execApprovals.approvers";

/** Prepares a policy's owners and approvers for many checks. */
export function prepareRights({ commands: { owners }, approvers }: AccessPolicy) {
  const approverIds = new Set<string>(approvers);

  function isOwner(sender: Sender, { ownsApplication }: KnownFacts): boolean {
    if (owners) return ownersIn(owners)(sender);
    return !sender.automaton && ownsApplication === true;
  }

  const ownerRight = (sender: Sender, known: KnownFacts): Right => {
    const isTheirs = isOwner(sender, known);
    return {
      isTheirs,
      why: "not-owner",
      rule: OWNERS,
      fact: () =>
        `${senderText(sender)} is ${isTheirs ? "" : "not "}${
          owners ? "on the list of owners" : "an owner of the application at Discord"
        }`,
    };
  };

  return {
    isOwner,
    /**
     * Checks the right that a command needs.
     *
     * @returns `undefined` if each person who may talk has it.
     */
    needed(
      needs: CommandNeeds,
      place: Place,
      sender: Sender,
      known: KnownFacts,
    ): Right | undefined {
      switch (needs) {
        case "everyone":
          return undefined;
        case "owner":
          return ownerRight(sender, known);
        case "approver": {
          const isTheirs = !sender.automaton && approverIds.has(sender.id);
          const fact = () =>
            `${senderText(sender)} is ${isTheirs ? "" : "not "}on the list of approvers`;
          return { isTheirs, why: "not-approver", rule: APPROVERS, fact };
        }
        case "session": {
          if (place.kind !== "guild") return undefined;
          const manages = known.managesMessages === true;
          const isTheirs = manages || isOwner(sender, known);
          const fact = () =>
            manages
              ? `${senderText(sender)} may manage messages here`
              : `${senderText(sender)} may not manage messages here, and is ${
                isTheirs ? "an owner" : "no owner"
              }`;
          return { isTheirs, why: "not-manager", rule: OWNERS, fact };
        }
      }
    },
  };
}

type Rights = ReturnType<typeof prepareRights>;

/** Prepares the list of owners: whether it makes a sender an owner. */
function prepareOwners(owners: readonly AllowEntry[]): (sender: Sender) => boolean {
  const ownerEntry = prepareAllowlist(owners.filter(namesOnePerson));
  return (sender) => {
    if (sender.automaton) return false;
    const entry = ownerEntry(sender);
    // A PluralKit member's name is not unique, so only an id makes a member an owner.
    return entry !== undefined && !(sender.pluralkit && entry.kind === "name");
  };
}

/** An owner is one person, so roles and `"*"` make none. */
export function namesOnePerson({ kind }: AllowEntry): boolean {
  return kind === "user" || kind === "pluralkit" || kind === "name";
}

/**
 * Whether the system prompt calls the sender the owner in this place.
 *
 * True if the sender is on the list of owners, or if the place's list names the sender other than by
 * a role or `"*"`. It is a hint to the model and gives no right (P10).
 */
export function isOwnerHint({ place, sender }: InboundMessage, policy: AccessPolicy): boolean {
  if (sender.automaton) return false;
  const { owners } = policy.commands;
  if (owners && ownersIn(owners)(sender)) return true;
  const lists = listsOf(place, policy);
  return lists.length > 0 && lists.every((list) => {
    const entry = entryIn(list)(sender);
    return entry !== undefined && namesOnePerson(entry);
  });
}

/** Indexes each list when it is first needed: it may contain a whole community. */
const ownersIn = oncePer(prepareOwners);
const entryIn = oncePer(prepareAllowlist);

function listsOf(place: Place, policy: AccessPolicy): readonly (readonly AllowEntry[])[] {
  if (place.kind !== "guild") return [policy.dm.allowFrom];
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.users ? [rules.users.value] : [];
}

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

/** Prepares the check of whether a policy opens a place, for many places of guilds. */
export function prepareMayAct(policy: AccessPolicy): (place: GuildPlace) => boolean {
  return (place) => rulesFor(place, policy).kind === "open";
}

/** Whether the policy allows any direct message at all. Group DMs need this, too. */
export function mayActInDirect({ dm }: AccessPolicy): boolean {
  return dm.enabled && dm.policy !== "disabled";
}

/**
 * Prepares the check of whether access to a place, or its tools, depend on the author's roles.
 *
 * A channel's history contains no roles. There, Barnacle must fetch them with one request for each
 * author.
 */
export function prepareAsksRoles(policy: AccessPolicy): (place: GuildPlace) => boolean {
  return (place) => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed") return false;
    const isForTools = rules.tools.some((level) =>
      level.kind === "by-sender" && level.value.some(({ who }) => isRole(who))
    );
    return isForTools || rules.users?.value.some(isRole) === true;
  };
}

function isRole({ kind }: AllowEntry): boolean {
  return kind === "role" || kind === "role_name";
}

/**
 * Prepares the search for the rule that closes a channel to a person's turn: its config path, or
 * `undefined` if the policy opens the channel. The sender's roles are those in this guild. Owners of
 * the bot need an open place only.
 */
export function prepareClosedBy(policy: AccessPolicy) {
  const checkAccess = preparePlaceAccess(policy, prepareRights(policy));
  return ({ channelId, place, sender, isOwner }: {
    readonly channelId: ChannelId;
    readonly place: GuildPlace;
    readonly sender: Sender;
    readonly isOwner: boolean;
  }): string | undefined => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed") return policy.ruleOf(rules.rule);
    if (isOwner) return undefined;
    const access = checkAccess({
      channelId,
      place,
      sender,
      known: {},
      needs: () => undefined,
      isChallenged: false,
      isMessage: false,
    }, recordNothing);
    return access.kind === "granted" ? undefined : policy.ruleOf(access.rule);
  };
}
