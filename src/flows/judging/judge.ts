/**
 * Judges arriving messages by the current policy and the facts in memory, and finds the agent and
 * the session for each.
 *
 * A batch never waits, so all its facts are in memory: our accounts, counts of the loop guard,
 * users of PluralKit, scores of the intent filter, and facts that choose the agent. A verdict
 * leaves facts open that only the store or the network has.
 *
 * Beside the messages that their triggers match, passive agents have runs (N1). A run is stored in
 * the transaction of its message (T1), and its id follows from that message, so a crash neither
 * loses nor repeats it.
 */

import { createHash } from "node:crypto";
import type { Bot, BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import {
  ACTIVATIONS,
  type Manner,
  type PlaceSetting,
  QUEUE_MODES,
  type QueueMode,
  THINK_LEVELS,
} from "../../core/config_file.ts";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import {
  ASKED_OTHERWISE,
  cameBy,
  commandIn,
  hookedOf,
  type InboundMessage,
  isAtDiscord,
  labelOf,
  type PermittedReaction,
  type Reaction,
  reactionRunIdOf,
  termsOf,
  type TextCommand,
  textCommandIn,
  triggeredIdOf,
} from "../../core/inbound/inbound.ts";
import {
  type IntentFacts,
  isMention,
  type Judged,
  type KnownFacts,
  type MessageJudgement,
  type Route,
  type RoutingFacts,
  type Verdict,
} from "../../core/inbound/inbox.ts";
import type { Model } from "../../core/model.ts";
import type { ResolvedName } from "../../core/names.ts";
import { type Delivery, type OutboxRow, threadIdOf } from "../../core/outbound/outbound.ts";
import type {
  RawMessage,
  ShownMessage,
  ShownPlace,
  ToolTarget,
} from "../../core/turn/discord_place.ts";
import { placeOfTarget, showMessage } from "../../discord/gateway/decode/decode.ts";
import { TEXT_COMMANDS } from "../../interactions/registry.ts";
import { createNewestSet, keepNewest, latest, type NewestSet } from "../../lib/cache.ts";
import {
  type Admit,
  type Authorize,
  type ExistingCommands,
  mayActInDirect,
  prepareAdmission,
  prepareAsksRoles,
  prepareAuthorize,
  prepareClosedBy,
  prepareMayAct,
  textCommandsOf,
} from "../../policy/admission.ts";
import {
  addresseesIn,
  createIntentTracker,
  type IntentMessage,
  judgeIntent,
} from "../../policy/intent/tracker.ts";
import { type CountedMessage, createLoopGuard, type Speaker } from "../../policy/loop_guard.ts";
import { type ChooseAgent, prepareRouter, prepareTriggers } from "../../policy/router.ts";
import { type AccessPolicy, rulesFor, withNames } from "../../policy/rules.ts";
import { type DecideTools, prepareToolAccess } from "../../policy/tool_access.ts";
import { besideKeyOf, type Conversation, scopeFor, sessionKeyOf } from "../../session/session.ts";
import type { GuildTarget } from "../actions/targets.ts";
import { tellLoopMuted } from "../owners/tell_owners.ts";
import { continuesIn, opensThreadFor, threadAgentOf } from "./answer_threads.ts";
import { isOwner, ownsApplicationAsRead, sessionOwner } from "../owners/owner_ids.ts";

/**
 * How a message arrives, for its verdict; the limits of waiting turns tell more (`MessageOrigin`).
 * `live`: the message arrived just now, or after a RESUME. `history`: catch-up read it from a
 * channel's history. `not_live`: no person has written it just now. It is an edit, or from a schedule,
 * a hook, a passive agent or a voice channel.
 */
export type MessageSource = "live" | "history" | "not_live";

/** Maximum number of channels of which an account remembers that it sees them. */
const SEEN_MAX = 5_000;
/** Maximum number of proxied people to remember. */
const MAX_PROXIED = 10_000;

/** People that PluralKit has proxied before. */
export const proxiedUsers: (account: BotAccount) => NewestSet<UserId> = perAccount(
  "gateway",
  () => createNewestSet(MAX_PROXIED),
);

const stateOf = perAccount("gateway", ({ accountId, store: { settings }, policy, now }) => ({
  /** Channels in which the account has seen messages, as it may not see all of its guilds. */
  seen: createNewestSet<ChannelId>(SEEN_MAX),
  guard: createLoopGuard(
    () => policy().policy.loopGuard,
    settings.loopRuns(accountId),
    (channelId, run) => settings.keepLoopRun(accountId, channelId, run, now()),
  ),
}));

/** The account as others of the process see it. */
export function viewOf(account: BotAccount): OurView {
  const { reader } = account;
  return {
    userId: () => account.self()?.userId,
    roleIn: (guildId) => reader.index.get(guildId)?.ownRole,
    isIn: (guildId) => reader.index.has(guildId),
    wouldAnswer: (message) =>
      stateOf(account).seen.has(message.channelId) && wouldAnswer(account, message),
    threadAgent: (threadId) => threadAgentOf(account, threadId),
  };
}

/** Whether the verdict depends on Discord's word about the sender: owners write without pairing. */
function mayBeOwner({ policy }: BotAccount, { place }: InboundMessage): boolean {
  return place.kind !== "guild" && policy().policy.dm.policy === "pairing";
}

function ownBotFact(account: BotAccount, { sender }: InboundMessage): KnownFacts {
  const isOwnBot = sender.automaton !== undefined && isOurs(account.bot, sender.id);
  return isOwnBot ? { isOurs: true } : {};
}

function knownFactsOf(
  account: BotAccount,
  message: InboundMessage,
  known: KnownFacts,
  isCommand: boolean,
): KnownFacts {
  const { sender, channelId, place } = message;
  if (sender.automaton === undefined) {
    const mayBeProxied = !sender.pluralkit && proxiedUsers(account).has(sender.id);
    const inThread = place.kind === "guild" && place.thread !== undefined &&
      continuesIn(account, channelId);
    const isOwner = mayBeOwner(account, message) && ownsApplicationAsRead(account, sender.id);
    if (!(mayBeProxied || inThread || isCommand || isOwner)) return known;
    return {
      ...known,
      ...(isOwner && { ownsApplication: true }),
      ...(mayBeProxied && { isProxied: true }),
      ...(inThread && { inAnswerThread: true }),
      ...(isCommand && { rightsLater: true }),
    };
  }
  const isMuted = account.policy().policy.allowBots && speakerOf(account, message) === "bot" &&
    stateOf(account).guard.refuses(countedOf(message), account.now());
  return { ...known, ...ownBotFact(account, message), ...(isMuted && { isMuted: true }) };
}

/** A feed that replies to the bot is none. */
function speakerOf(
  { policy }: BotAccount,
  { sender: { id, automaton }, mention }: InboundMessage,
): Speaker {
  if (automaton === undefined) return "person";
  const isFeed = mention !== "reply" && policy().policy.loopGuard.feeds?.includes(id);
  return isFeed ? "feed" : "bot";
}

/** Counts a message for the loop guard, and tells the owners once that it refuses bots there (P11). */
function count(
  account: BotAccount,
  message: InboundMessage,
  facts: KnownFacts,
  verdict: Verdict,
): void {
  const isAsked = verdict.kind === "accept" || verdict.why === "loop-guard" &&
      account.policy().admit(message, { ...facts, isMuted: false }).kind === "accept";
  const { guard } = stateOf(account);
  const speaker = speakerOf(account, message);
  if (guard.record(countedOf(message), speaker, account.now(), isAsked)) {
    tellLoopMuted(account, message.channelId);
  }
}

function countedOf({ id, channelId, place }: InboundMessage): CountedMessage {
  const isThread = place.kind === "guild" && place.thread?.id === channelId;
  return isThread ? { id, channelId, parentId: place.channel.id } : { id, channelId };
}

/**
 * Judges a message.
 *
 * @param known Facts found since it arrived.
 * @param source Edits and scheduled messages do not count as messages of a conversation.
 */
export function judge(
  account: BotAccount,
  message: InboundMessage,
  known: KnownFacts = {},
  source: MessageSource = "live",
): MessageJudgement {
  const { admit, id: policyId, policy: { allowBots }, textCommands } = account.policy();
  const intent = intentOf(account);
  const command = commandIn(message, textCommands)?.name;
  const triggered = cameBy(message, "passive");
  const hook = hookedOf(message)?.hook;
  const given = triggered
    ? { ...known, triggered }
    : hook !== undefined
    ? { ...known, hook }
    : known;
  const chosen = chosenIn(account, message);
  const beside = knownFactsOf(
    account,
    message,
    chosen ? { ...given, ...chosen } : given,
    command !== undefined,
  );
  const scores = known.intent ?? intent.factsOf(message, source);
  const scored = scores ? { ...beside, intent: scores } : beside;
  const first = admit(message, scored);
  // An edit moves no turn to another account.
  const routing = first.kind === "accept" && !termsOf(message).isRouted &&
      (source !== "not_live" || message.revision === 0)
    ? routingOf(account, message)
    : undefined;
  const knownFacts = routing ? { ...scored, routing } : scored;
  const verdict = routing ? admit(message, knownFacts) : first;
  if (scores) intent.decided(message, verdict);
  // Whether the author is a bot is still open for an undecided message.
  const isTurn = source !== "not_live" && verdict.kind !== "undecided";
  if (allowBots && isTurn) count(account, message, knownFacts, verdict);
  const judgement = policyId === undefined
    ? { verdict, knownFacts }
    : { verdict, knownFacts, policyId };
  return command === undefined ? judgement : { ...judgement, command };
}

/**
 * Judges a message from a channel's history, which does not affect later ones. PluralKit has not
 * proxied it, since it deletes the originals of proxied messages.
 */
export function recall(account: BotAccount, message: InboundMessage): Verdict {
  return account.policy().admit(message, { isUnproxied: true, ...ownBotFact(account, message) });
}

/**
 * Whether the account would answer a message that another account of the process sees, and that
 * mentions none. It does not affect later messages.
 */
function wouldAnswer(account: BotAccount, message: InboundMessage): boolean {
  const { mention: _, ...unaddressed } = message;
  const { admit, textCommands } = account.policy();
  const chosen = chosenIn(account, message);
  const isCommand = commandIn(message, textCommands) !== undefined;
  const known = knownFactsOf(account, unaddressed, { ...chosen }, isCommand);
  return admit(unaddressed, known).kind === "accept";
}

/** The bot has posted a message, which counts for the loop guard. */
export function recordOwn(
  account: BotAccount,
  message: ToolTarget & { readonly id: MessageId },
): void {
  if (!account.policy().policy.allowBots) return;
  stateOf(account).guard.record(message, "own", account.now());
}

/** All of the process. A message may arrive before this account counts as running. */
function allAccounts(account: BotAccount): readonly OurAccount[] {
  const { accountId, bot } = account;
  return ourAccounts(bot).map((one) =>
    one.accountId === accountId ? { accountId, view: viewOf(account) } : one
  );
}

/** Facts that choose the agent and the account of a message (N2); `undefined` if there are none. */
export function routingOf(account: BotAccount, message: InboundMessage): RoutingFacts | undefined {
  const all = allAccounts(account);
  if (all.length > 1) stateOf(account).seen.add(message.channelId);
  return routingFacts(message, account.policy().policy, all);
}

/** Reads a message as a text command. */
export function textCommandOf(
  account: BotAccount,
  message: InboundMessage,
): TextCommand | undefined {
  return textCommandIn(message, account.policy().textCommands);
}

/**
 * Finds the agent and the session for a message.
 *
 * A command that changes its conversation waits for the turns of it. Any other command has a session
 * beside it, which keeps nothing, so a slow turn does not delay it.
 */
export function routeOf(account: BotAccount, message: InboundMessage): Route {
  const triggered = cameBy(message, "passive");
  if (triggered) return conversationRoute(account, message, triggered.agentId, undefined);
  const command = textCommandOf(account, message);
  const opensThread = !command && opensThreadFor(account, message);
  const { agentId } = account.policy().chooseAgent({ ...message, ...routingOf(account, message) });
  const thread = opensThread ? threadIdOf(message.id) : undefined;
  const route = conversationRoute(account, message, agentId, sessionOwner(account), thread);
  const isBeside = command && command.kind.needs !== "session";
  return isBeside ? { ...route, sessionKey: besideKeyOf(route.sessionKey) } : route;
}

/** The conversation of a command, which is for the account that got it. */
export function sessionOf(account: BotAccount, call: Conversation): Route {
  const mentioned = allAccounts(account).length > 1 ? [account.accountId] : undefined;
  const threadAgent = call.place.kind === "guild" && call.place.thread
    ? threadAgentOf(account, call.place.thread.id)
    : undefined;
  const { agentId } = account.policy().chooseAgent({ ...call, mentioned, threadAgent });
  return conversationRoute(account, call, agentId, sessionOwner(account));
}

/**
 * Decides in which session an agent answers a message.
 *
 * @param owner The user whose direct messages are the main session under `auto` (S1).
 * @param thread The thread that the answer opens: its session has the conversation (S7).
 */
function conversationRoute(
  { config }: BotAccount,
  message: Conversation,
  agentId: string,
  owner: UserId | undefined,
  thread?: ChannelId,
): Route {
  const scope = scopeFor(config().session.dmScope, message.sender.id === owner);
  const place = thread === undefined ? message : { ...message, channelId: thread };
  return { agentId, sessionKey: sessionKeyOf(place, agentId, scope) };
}

/**
 * Judges a reaction by the current policy; `undefined` if it does not permit it. A removed reaction
 * counts if the added one was kept: Discord does not tell the roles of its person, by which the
 * policy would judge again.
 */
export function permitReaction(
  account: BotAccount,
  reaction: Reaction,
): PermittedReaction | undefined {
  const { change, channelId, messageId, sender, emoji } = reaction;
  const onlyIf = conditionsOf(account, reaction);
  if (!onlyIf) return undefined;
  const tag = labelOf(sender);
  return { change, channelId, messageId, userId: sender.id, tag, emoji, onlyIf };
}

function conditionsOf(
  { policy, bot }: BotAccount,
  { change, on, place, channelId, sender }: Reaction,
): PermittedReaction["onlyIf"] | undefined {
  if (change === "removed") return { isKnown: true };
  if (isOurs(bot, sender.id)) return undefined;
  const accepts = (author: "own" | "other", facts: KnownFacts): boolean => {
    const event = { kind: "reaction" as const, place, channelId, sender, on: author };
    return policy().authorize(event, facts).kind === "accept";
  };
  const authors = on === "unknown" ? ["other", "own"] as const : [on];
  for (const author of authors) {
    const isOwn = on === "unknown" && author === "own" && { isOwn: true as const };
    if (accepts(author, { isPaired: false })) return { ...isOwn };
    if (place.kind !== "guild" && accepts(author, { isPaired: true })) {
      return { ...isOwn, isPaired: true };
    }
  }
  return undefined;
}

/** Maximum number of reactions to remember; at the limit, all are forgotten. */
const MAX_REACTIONS = 1_000;

const NONE: readonly InboundMessage[] = [];

/** Reasons for which no agent may act on a message: it does not count, or asks to be left alone. */
const UNHEARD: ReadonlySet<string> = new Set(["pk-original", "send-off", "own"]);

/** When each of the last reactions caused a run. */
const reactedAt = perAccount("inbox", () => new Map<string, number>());

/** Whether the same person has added that emoji to that message just before. */
function isRepeated(account: BotAccount, key: string): boolean {
  const { policy, now } = account;
  const known = reactedAt(account);
  const last = known.get(key);
  if (last !== undefined && now() - last < policy().policy.dedupWindowMs) return true;
  if (known.size >= MAX_REACTIONS) known.clear();
  known.set(key, now());
  return false;
}

/** Whether another agent, of this account or of another one, may answer the message. */
function isAnswered(account: BotAccount, { message, verdict: { kind } }: Judged): boolean {
  if (kind !== "ignore") return true;
  const { mentioned, accounts } = routingOf(account, message) ?? {};
  return mentioned !== undefined || accounts !== undefined;
}

/** The runs that a judged message causes. Bots cause none, and commands of Barnacle neither. */
export function runsBeside(account: BotAccount, judged: Judged): readonly InboundMessage[] {
  const { message, verdict, policyVerdict, stop, command } = judged;
  const { policy, triggersOf } = account.policy();
  if (policy.passive.length === 0) return NONE;
  const { sender, isAnnouncement } = message;
  const mayCause = sender.automaton === undefined && isAtDiscord(message) && !isAnnouncement &&
    !policyVerdict && !stop && command === undefined && !UNHEARD.has(verdict.why);
  if (!mayCause) return NONE;
  const matches = triggersOf.inMessage(message);
  if (matches.length === 0) return NONE;
  const answered = isAnswered(account, judged) || undefined;
  return matches.map((match): InboundMessage => {
    const id = triggeredIdOf(message.id, match.agentId);
    const run = { ...match, messageId: message.id, isAnswered: answered };
    const origin = { kind: "passive", ...run } as const;
    return { ...message, id, mention: "user", sentAt: createdAtMs(id), origin };
  });
}

/**
 * The runs that a reaction causes. No message asks for them, so no active agent answers: their text
 * is posted.
 */
export function runsOnReaction(
  account: BotAccount,
  reaction: Reaction,
  { onlyIf }: PermittedReaction,
): readonly InboundMessage[] {
  const { change, sender, messageId, emoji, accountId, channelId, guildId, place } = reaction;
  const { policy, triggersOf } = account.policy();
  const isCertain = Object.keys(onlyIf).length === 0;
  if (change !== "added" || sender.automaton || !isCertain) return NONE;
  const matches = policy.passive.length === 0 ? [] : triggersOf.byReaction(reaction);
  const key = [messageId, sender.id, emoji];
  if (matches.length === 0 || isRepeated(account, key.join(" "))) return NONE;
  const at = { accountId, channelId, guildId, place, sender };
  return matches.map((match): InboundMessage => {
    const id = reactionRunIdOf(key, match.agentId, account.now());
    return {
      ...ASKED_OTHERWISE,
      ...at,
      id,
      text: `(reacts with ${emoji})`,
      sentAt: createdAtMs(id),
      origin: { kind: "passive", ...match, messageId },
    };
  });
}

/** The ids of the runs that a message may have caused. */
export function runIdsOf({ policy }: BotAccount, messageId: MessageId): readonly MessageId[] {
  return policy().policy.passive.map(({ agentId }) => triggeredIdOf(messageId, agentId));
}

/**
 * Messages addressed to the bot are context too, answered or not. Undecided ones are left out,
 * since Barnacle fetches no missing fact here. So the model sees no PluralKit messages from before
 * the start.
 */
export function mayBeSeen(account: BotAccount, message: InboundMessage): boolean {
  const verdict = recall(account, message);
  return verdict.kind === "accept" || (verdict.kind === "ignore" && verdict.keepAsContext);
}

export function show(
  account: BotAccount,
  raw: RawMessage,
  place: ShownPlace,
): Promise<ShownMessage | undefined> {
  const { accountId, reader, store } = account;
  const maySee = (message: InboundMessage) => mayBeSeen(account, message);
  return showMessage(raw, place, { accountId, reader, maySee, footerOf: store.outbox.footerOf });
}

/** Shows messages, without those that the model may not see. */
export async function showAll(
  account: BotAccount,
  raw: readonly RawMessage[],
  place: ShownPlace,
): Promise<readonly ShownMessage[]> {
  const shown = await Promise.all(raw.map((one) => show(account, one, place)));
  return shown.filter((one) => one !== undefined);
}

const prepared = perAccount(
  "access",
  ({ policy }) => latest(policy, ({ policy }) => prepareClosedBy(policy)),
);

/** @returns `undefined` if the channel is open. */
export function closedBy(
  account: BotAccount,
  asker: InboundMessage,
  { guildId, ...target }: GuildTarget,
): string | undefined {
  return prepared(account)()({
    channelId: target.channelId,
    place: placeOfTarget(guildId, target, account.reader.index.get(guildId)),
    sender: asker.sender,
    isOwner: isOwner(account, asker),
  });
}

interface Placed {
  readonly channelId: ChannelId;
  readonly place: InboundMessage["place"];
}

const PLAIN_MANNER: Manner = { showsThinking: false, showsSteps: false };

/** The value of a place, or of the thread's channel. */
export function chosenInPlace(
  { accountId, store: { settings } }: BotAccount,
  { channelId, place }: Placed,
  name: PlaceSetting,
): string | undefined {
  const own = settings.known(accountId, channelId, name);
  if (own !== undefined || place.kind !== "guild" || !place.thread) return own;
  return settings.known(accountId, place.channel.id, name);
}

/**
 * The choices of owners for a place: a thread has those of its channel, or its own.
 *
 * @returns `undefined` if there are none.
 */
export function chosenIn(account: BotAccount, message: Placed): KnownFacts | undefined {
  const chosen = message.place.kind === "guild"
    ? chosenInPlace(account, message, "activation")
    : undefined;
  const activation = ACTIVATIONS.find((one) => one === chosen);
  const isSilenced = chosenInPlace(account, message, "send") === "off";
  if (!activation && !isSilenced) return undefined;
  return { ...(activation && { activation }), ...(isSilenced && { isSilenced }) };
}

/** The queue mode of a place; `undefined`: the config's. */
export function queueModeOf(
  { accountId, store }: BotAccount,
  { channelId }: Placed,
): QueueMode | undefined {
  const mode = store.settings.known(accountId, channelId, "queue");
  return QUEUE_MODES.find((one) => one === mode);
}

export function mannerOf(
  { accountId, store: { settings } }: BotAccount,
  sessionKey: string,
): Manner {
  const think = settings.known(accountId, sessionKey, "think");
  const reasoning = settings.known(accountId, sessionKey, "reasoning");
  const verbose = settings.known(accountId, sessionKey, "verbose");
  if (!think && !reasoning && !verbose) return PLAIN_MANNER; // most conversations
  return {
    think: THINK_LEVELS.find((one) => one === think),
    showsThinking: reasoning === "on",
    showsSteps: verbose === "on",
  };
}

/**
 * The model of a conversation: that of its agent, or the one that a person chose. A choice that the
 * config no longer has does not count.
 */
export function modelOf(
  { accountId, store, settings: { models, choices } }: BotAccount,
  { agentId, sessionKey }: Route,
): Model {
  const first = models.of(agentId);
  const id = store.settings.known(accountId, sessionKey, "model");
  return id === undefined || id === first.id ? first : choices?.of(id) ?? first;
}

export interface OurAccount {
  readonly accountId: AccountId;
  /** Absent while the account does not run. */
  readonly view?: OurView;
}

/** A running account, as the others see it. */
export interface OurView {
  /** The bot's user id; `undefined` until it is known. */
  readonly userId: () => UserId | undefined;
  /** The role that Discord created for the bot in a guild. */
  readonly roleIn: (guildId: GuildId) => RoleId | undefined;
  readonly isIn: (guildId: GuildId) => boolean;
  /** Whether it would answer a message that mentions no account, by the facts in memory. */
  readonly wouldAnswer: (message: InboundMessage) => boolean;
  /** The agent whose answer opened a thread. */
  readonly threadAgent: (threadId: ChannelId) => string | undefined;
}

/** Whether a user is a bot of this process. Without `noSelfTalk`, they are bots like any (N3). */
export function isOurs({ setup, accounts }: Bot, userId: UserId): boolean {
  return setup.config.router.noSelfTalk.ignoreBotMessages !== false &&
    [...accounts.values()].some((one) => one.userId() === userId);
}

/** All enabled accounts of this process, in the order of the config. */
export function ourAccounts({ setup, views }: Bot): readonly OurAccount[] {
  return setup.config.accounts.filter(({ enabled }) => enabled)
    .map(({ accountId }) => ({ accountId, view: views.get(accountId) }));
}

/** Mentions of users and roles in a text. */
const MENTION_OF_ANY = /<@(?:!?|(&))(\d{1,20})>/g;

/**
 * Gathers the facts of a message that choose its agent and account (N2); `undefined` if there are
 * none. They are the same for each account that sees the message, so all of them choose the same.
 */
export function routingFacts(
  message: InboundMessage,
  { router, agentsNamed }: AccessPolicy,
  ours: readonly OurAccount[],
): RoutingFacts | undefined {
  const isShared = ours.length > 1;
  const hasAgents = router.agents.length > 1;
  if (!isShared && !hasAgents) return undefined;
  const scheduled = cameBy(message, "schedule");
  const named = !hasAgents
    ? []
    : scheduled?.agentId === undefined
    ? agentsNamed(message.text)
    : [scheduled.agentId]; // a schedule is the agent's that made it
  const threadAgent = hasAgents ? threadAgentAmong(message, ours) : undefined;
  const mentioned = isShared ? mentionedIn(message, ours) : [];
  const accounts = isShared && mentioned.length === 0 ? answering(message, ours) : [];
  const facts: RoutingFacts = {
    ...(mentioned.length > 0 && { mentioned }),
    ...(named.length > 0 && { named }),
    ...(threadAgent !== undefined && { threadAgent }),
    ...(accounts.length > 1 && { accounts }),
  };
  return Object.keys(facts).length > 0 ? facts : undefined;
}

function threadAgentAmong(
  { place }: InboundMessage,
  ours: readonly OurAccount[],
): string | undefined {
  if (place.kind !== "guild" || !place.thread) return undefined;
  for (const { view } of ours) {
    const agentId = view?.threadAgent(place.thread.id);
    if (agentId !== undefined) return agentId;
  }
  return undefined;
}

/**
 * The accounts that a message addresses: first those of its text, in its order, then that of the
 * message to which it replies. A direct message addresses its account.
 */
function mentionedIn(message: InboundMessage, ours: readonly OurAccount[]): readonly AccountId[] {
  const { accountId, guildId, text, quoted, sender, mention, mentionsOthers } = message;
  if (guildId === undefined) return [accountId];
  const found = new Set<AccountId>();
  const add = (is: (view: OurView) => boolean): void => {
    const account = ours.find(({ view }) => view?.isIn(guildId) && is(view));
    if (account) found.add(account.accountId);
  };
  const isWritten = mention === "user" || mention === "role" || mentionsOthers;
  for (const [, isRole, id] of isWritten ? text.matchAll(MENTION_OF_ANY) : []) {
    add((view) => id === (isRole ? view.roleIn(guildId) : view.userId()));
  }
  const author = quoted?.author?.id;
  if (author !== undefined && !sender.automaton) add((view) => view.userId() === author);
  if (mention !== undefined) found.add(accountId);
  return [...found];
}

/**
 * The accounts that would answer a message without a mention, in the order of the config. Its author
 * is none of them, also if accounts may answer each other (N3).
 */
function answering(message: InboundMessage, ours: readonly OurAccount[]): readonly AccountId[] {
  const authorId = message.sender.id;
  return ours.filter(({ accountId, view }) =>
    accountId === message.accountId ||
    view?.userId() !== authorId && view?.wouldAnswer({ ...message, accountId })
  ).map(({ accountId }) => accountId);
}

/** Maximum number of channels, each of at most 30 KB; beyond, the longest silent one is forgotten. */
const MAX_CHANNELS = 64;
/**
 * Added to the logit of a mention's score, where the filter checks mentions. It outweighs a long
 * silence of the bot.
 */
const MENTION_PART = 12;

/** Follows the conversation of each channel in memory (I1); a restart forgets it. */
function createIntentFilter({ policy, self, now }: BotAccount) {
  const channels = new Map<ChannelId, ChannelTalk>();

  function talkIn(channelId: ChannelId): ChannelTalk | undefined {
    const me = self();
    if (!me) return undefined;
    const talk = channels.get(channelId) ?? createChannelTalk(me);
    keepNewest(channels, channelId, talk, MAX_CHANNELS);
    return talk;
  }

  function score(message: InboundMessage, talk: ChannelTalk): IntentFacts {
    const { sender, quoted, text } = message;
    const isPattern = !isMention(message) && policy().policy.matchesPattern(text);
    const isTold = isMention(message) || isPattern;
    const { directed, needsReply, top } = judgeIntent(talk.add(message), isTold ? MENTION_PART : 0);
    const told = isTold ? [{ name: "it addresses the bot", part: MENTION_PART }] : [];
    return {
      score: rounded(directed),
      needsReply: rounded(needsReply),
      top: [...told, ...top].slice(0, 5).map(({ name, part }) => ({ name, part: rounded(part) })),
      ...(isPattern && { matchesPattern: true as const }),
      ...(quoted && !isTold && quoted.author?.id !== sender.id &&
        { repliesToOther: true as const }),
    };
  }

  return {
    /** @returns `undefined` without a filter there, or if the message did not arrive just now. */
    factsOf(message: InboundMessage, source: MessageSource): IntentFacts | undefined {
      if (!isAtDiscord(message) || !isFiltered(message, policy().policy)) return undefined;
      const talk = talkIn(message.channelId);
      const known = talk?.scoresOf(message.id);
      if (!talk || known) return known;
      if (source !== "live") {
        if (message.revision === 0) talk.addPast(message);
        return undefined;
      }
      const facts = score(message, talk);
      talk.keepScores(message.id, facts);
      return facts;
    },
    decided(message: InboundMessage, { kind }: Verdict): void {
      if (kind === "accept") channels.get(message.channelId)?.accepted(message);
    },
    /** Notes a message of the bot that Discord has now. */
    delivered({ message: { channelId, content, of } }: OutboxRow, { kind }: Delivery): void {
      if (of?.kind === "draft") return;
      if (kind !== "created" && kind !== "found" && kind !== "settled") return;
      channels.get(channelId)?.addOwn(content, now(), of?.cause);
    },
    /** A person was forgotten (X5). */
    forget: (): void => channels.clear(),
  };
}

export const intentOf: (account: BotAccount) => ReturnType<typeof createIntentFilter> = perAccount(
  "gateway",
  createIntentFilter,
);

function isFiltered({ place }: InboundMessage, policy: AccessPolicy): boolean {
  if (place.kind !== "guild") return false;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.intentFilter.enabled.value;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Newest messages whose scores are kept, for their edits and for late decisions. */
const MAX_SCORED = 32;
/** People whose names are known, for texts such as "Anna: …". */
const MAX_NAMES = 100;
/** Accepted messages that are known until their answers. */
const MAX_ASKED = 64;

const FIRST_NAME = /[\p{L}\p{N}]{2,}/u;
const MENTION = /<@!?(\d{1,20})>/g;

/**
 * Remembers the conversation of one channel: who spoke when, the names of its people, and the scores of
 * its newest messages. It keeps no text.
 *
 * @param me The bot.
 */
function createChannelTalk(
  { userId: me, username }: { readonly userId: UserId; readonly username: string },
) {
  const tracker = createIntentTracker({ me });
  const scored = new Map<MessageId, IntentFacts>();
  const people = new Map([[username.toLowerCase(), me]]);
  const asked = new Map<MessageId, UserId>();
  let newestAt = 0;

  function push({ sender, sentAt, displayName = sender.username }: InboundMessage) {
    newestAt = Math.max(newestAt, sentAt);
    const [firstName] = FIRST_NAME.exec(displayName) ?? []; // "Leo 🎸 (he/him)" is called "leo"
    for (const name of [sender.username, displayName, firstName]) {
      if (name !== undefined) keepNewest(people, name.toLowerCase(), sender.id, MAX_NAMES);
    }
  }

  return {
    /** The features of a message, which becomes part of the conversation. */
    add(message: InboundMessage) {
      const one = intentMessage(message, me, people);
      const features = tracker.features(one);
      tracker.push(one);
      push(message);
      return features;
    },
    /** Adds a message of the past; one that is older than the newest is left out. */
    addPast(message: InboundMessage): void {
      if (message.sentAt <= newestAt) return;
      tracker.push(intentMessage(message, me, people));
      push(message);
    },
    /** Adds a message of the bot. @param cause The message that it answers; absent: none. */
    addOwn(text: string, at: number, cause: MessageId | undefined): void {
      const asker = cause && asked.get(cause);
      const to = asker ? [asker] : [];
      tracker.push({ author: me, text, at, to, beginsWithName: false });
    },
    scoresOf: (id: MessageId): IntentFacts | undefined => scored.get(id),
    keepScores: (id: MessageId, facts: IntentFacts): void =>
      keepNewest(scored, id, facts, MAX_SCORED),
    /** Notes that a message gets an answer. */
    accepted: ({ id, sender }: InboundMessage): void => keepNewest(asked, id, sender.id, MAX_ASKED),
  };
}

type ChannelTalk = ReturnType<typeof createChannelTalk>;

/**
 * Reads a message as the tracker needs it: mentions, the author of a quoted message, and names in its
 * text are addressees.
 *
 * @param people Ids by name in lower case.
 */
function intentMessage(
  { sender, text, quoted, mention, sentAt }: InboundMessage,
  me: UserId,
  people: ReadonlyMap<string, UserId>,
): IntentMessage {
  const named = addresseesIn(text, people, sender.id);
  const to = [
    ...Array.from(text.matchAll(MENTION), ([, id]) => id as UserId),
    ...(mention ? [me] : []),
    ...(quoted?.author ? [quoted.author.id] : []),
    ...named.to,
  ];
  return {
    author: sender.id,
    text: text.replace(MENTION, " "),
    at: sentAt,
    to: [...new Set(to)],
    beginsWithName: named.beginsWithName || /^\s*<@!?\d/.test(text),
  };
}

interface PolicySource {
  readonly discord: { readonly accountId: AccountId; readonly access: AccessPolicy };
  /** Path of the config file; absent without one. */
  readonly file?: string;
}

/** One policy, prepared for many messages. */
export interface CurrentPolicy {
  /** The policy with all names resolved so far. */
  readonly policy: AccessPolicy;
  readonly textCommands: ExistingCommands;
  readonly admit: Admit;
  /** Judges a command, a component or another event. */
  readonly authorize: Authorize;
  readonly mayAct: ReturnType<typeof prepareMayAct>;
  /** Whether a tool may act in direct messages. */
  readonly mayActInDirect: boolean;
  readonly asksRoles: ReturnType<typeof prepareAsksRoles>;
  readonly decideTools: DecideTools;
  /** Chooses the agent and the account of an answer (N2). */
  readonly chooseAgent: ChooseAgent;
  readonly triggersOf: ReturnType<typeof prepareTriggers>;
  /**
   * Absent if the store could not record the policy; then a verdict has its reason, but no list of
   * checks.
   */
  readonly id?: number;
}

/**
 * Creates the account's policy, and records it. A reloaded config, or a name resolved to an id,
 * creates another one, which the store records before it judges any message. It replaces the earlier
 * one in one step (C9).
 *
 * @param text The config file's text with its secrets blanked.
 */
export async function createPolicyKeeper(
  config: PolicySource,
  text: string | undefined,
  { store, now, log }: BotAccount,
) {
  const { accountId } = config.discord;
  let source = { config, text };
  let names = await store.pairing.namesOf(accountId);
  let current = await prepared();
  /** Runs changes one after the other, so the last request wins. */
  let changing: Promise<void> = Promise.resolve();

  async function prepared(): Promise<CurrentPolicy> {
    const { config, text } = source;
    return currentPolicyOf(config, names, await saved(config.file, text));
  }

  async function saved(
    file: string | undefined,
    text: string | undefined,
  ): Promise<number | undefined> {
    const hash = createHash("sha256").update(JSON.stringify([accountId, file, text, names]))
      .digest("base64url");
    const revision = { accountId, hash, file, text, names };
    return await store.messages.savePolicy(revision, now()).catch((error: unknown) => {
      log.warn("Cannot store the policy; `barnacle why` will have reasons and no checks", {
        error,
      });
      return undefined;
    });
  }

  function change(): Promise<void> {
    const change = changing.then(async () => void (current = await prepared()));
    changing = change.catch(() => {}); // the caller handles it
    return change;
  }

  return {
    now: (): CurrentPolicy => current,
    apply(config: PolicySource, text: string | undefined): Promise<void> {
      source = { config, text };
      return change();
    },
    /** Replaces the stored names. */
    resolved(found: readonly ResolvedName[]): Promise<void> {
      names = found;
      return change();
    },
  };
}

export type PolicyKeeper = Awaited<ReturnType<typeof createPolicyKeeper>>;

function currentPolicyOf(
  config: PolicySource,
  names: readonly ResolvedName[],
  id?: number,
): CurrentPolicy {
  const policy = withNames(config.discord.access, names);
  return {
    policy,
    textCommands: textCommandsOf(policy, TEXT_COMMANDS),
    admit: prepareAdmission(policy, TEXT_COMMANDS),
    authorize: prepareAuthorize(policy, TEXT_COMMANDS),
    mayAct: prepareMayAct(policy),
    mayActInDirect: mayActInDirect(policy),
    asksRoles: prepareAsksRoles(policy),
    decideTools: prepareToolAccess(policy),
    chooseAgent: prepareRouter(policy.router),
    triggersOf: prepareTriggers(policy),
    id,
  };
}
