/**
 * Chooses the one agent that answers a message, and the account that posts the answer (N2).
 *
 * The choice depends on nothing but the message, the facts beside it and the config. These are the
 * same for each account that sees the message, so all accounts make the same choice.
 *
 * Passive agents, which answer nothing, get their messages by triggers (N1).
 */

import { reactionEmoji } from "../core/inbound/inbound.ts";
import type { AccountId, UserId } from "../core/discord/ids.ts";
import type { RoutingFacts } from "../core/inbound/inbox.ts";
import type { InboundMessage, Triggered } from "../core/inbound/inbound.ts";
import { quoted } from "../lib/text/quoted.ts";
import { formsOf, isNameKey, type RecordCheck, recordNothing, slugOfKey } from "./rules.ts";
import type {
  AccessPolicy,
  AssignedChannel,
  Binding,
  BindingMatch,
  RoutedAgent,
  RouterRules,
} from "./rules.ts";

/** The parts of a message that choose its agent, with the facts beside it. */
export interface RoutedMessage
  extends Pick<InboundMessage, "accountId" | "channelId" | "place">, RoutingFacts {
  readonly sender: InboundMessage["sender"];
}

export interface AgentChoice {
  readonly agentId: string;
  readonly accountId: AccountId;
  readonly rule: string;
}

/**
 * Chooses the agent and the account for a message.
 *
 * @param ask Reports each step; by default, none is reported.
 */
export type ChooseAgent = (message: RoutedMessage, ask?: RecordCheck) => AgentChoice;

interface AgentClaim {
  readonly agentId: string;
  readonly rule: string;
}

const LIST = "agents.list";
const ASSIGNMENTS = "router.assignments";
const BINDINGS = "bindings";

/** Prepares the rules for many messages: each step looks its key up in a map. */
export function prepareRouter(rules: RouterRules): ChooseAgent {
  const { agents } = rules;
  const [first, ...others] = agents;
  const byId = new Map(agents.map((agent) => [agent.id, agent]));
  const assigned = prepareAssigned(rules.assigned.filter(({ agentId }) => byId.has(agentId)));
  const bindings = rules.bindings.filter(({ agentId }) => byId.has(agentId));
  const bound = prepareBindings(bindings);
  const owners = ownersOf(bindings);
  const reaches = prepareReach(rules);
  const mayReach = (agentId: string, { sender }: RoutedMessage) => reaches(agentId, sender.id);

  /** The agent that the message itself names: by its account, or by a pattern. */
  function named(
    message: RoutedMessage,
    addressed: AccountId | undefined,
    ask: RecordCheck,
  ): AgentClaim | undefined {
    const { named = [] } = message;
    const owner = addressed === undefined ? undefined : owners.get(addressed);
    const found = owner || named.length === 0 ? [] : agents.filter(({ id }) => named.includes(id));
    const agent = found.find(({ id }) => mayReach(id, message));
    const [withheld] = found;
    const claim = owner ?? (agent && { agentId: agent.id, rule: agent.rule });
    ask(
      "named",
      true,
      claim?.rule ?? LIST,
      () =>
        owner
          ? `it addresses the account ${quoted(addressed ?? "")} of the agent ${
            quoted(owner.agentId)
          }`
          : agent
          ? `it names the agent ${quoted(agent.id)}`
          : withheld
          ? `it names the agent ${quoted(withheld.id)}, which is bound to other users`
          : "it names no agent",
    );
    return claim;
  }

  function ofThread(message: RoutedMessage, ask: RecordCheck): AgentClaim | undefined {
    const { threadAgent, place } = message;
    const opener = threadAgent === undefined ? undefined : byId.get(threadAgent);
    const agent = opener && mayReach(opener.id, message) ? opener : undefined;
    ask(
      "thread",
      true,
      agent?.rule ?? LIST,
      () =>
        agent
          ? `an answer of the agent ${quoted(agent.id)} opened the thread`
          : opener
          ? `an answer of the agent ${
            quoted(opener.id)
          } opened the thread, which is bound to other users`
          : place.kind === "guild" && place.thread
          ? "no agent's answer opened the thread"
          : "it is in no thread",
    );
    return agent && { agentId: agent.id, rule: agent.rule };
  }

  /** The account that posts, if no rule names one: the agent's own, else one that is no agent's. */
  function accountOf(agentId: string, present: readonly AccountId[]): AccountId | undefined {
    if (present.length < 2) return present[0];
    return present.find((account) => owners.get(account)?.agentId === agentId) ??
      present.find((account) => !owners.has(account)) ?? present[0];
  }

  return (message, ask = recordNothing) => {
    const { accountId, mentioned, accounts } = message;
    const addressed = mentioned?.[0];
    const present = addressed === undefined ? accounts ?? [accountId] : [addressed];
    const claim: BoundClaim = others.length === 0
      ? { agentId: first.id, rule: first.rule }
      : named(message, addressed, ask) ?? ofThread(message, ask) ??
        assigned(message, ask) ?? bound(message, present, ask) ?? firstOf(first, ask);
    const poster = claim.accountId ?? accountOf(claim.agentId, present) ?? accountId;
    if (mentioned || accounts) {
      const fact = () => `the account ${quoted(poster)} answers`;
      ask("account", poster === accountId, claim.rule, fact);
    }
    return { agentId: claim.agentId, rule: claim.rule, accountId: poster };
  };
}

function firstOf({ id: agentId, rule }: RoutedAgent, ask: RecordCheck): AgentClaim {
  ask("first", true, rule, () => `${quoted(agentId)} is the first agent`);
  return { agentId, rule };
}

/**
 * Prepares the check whether a user reaches an agent at all.
 *
 * Agents that are bound to users alone are reserved for these: no channel is assigned to them, and
 * each of their bindings names a user. Such an agent may have tools that others shall not have, so
 * others reach it neither by name, nor in its threads, nor through another agent. The first agent
 * answers everyone.
 */
function prepareReach(
  { agents: [first], assigned, bindings }: RouterRules,
): (agentId: string, userId: UserId) => boolean {
  const open = new Set([first.id, ...assigned.map(({ agentId }) => agentId)]);
  for (const { agentId, match } of bindings) if (match.userId === undefined) open.add(agentId);
  const reserved = new Map<string, Set<string>>();
  for (const { agentId, match: { userId } } of bindings) {
    if (open.has(agentId) || userId === undefined) continue;
    reserved.set(agentId, (reserved.get(agentId) ?? new Set()).add(userId));
  }
  return (agentId, userId) => reserved.get(agentId)?.has(userId) ?? true;
}

/** Agents by the account that they have for themselves: by a binding of the account alone. */
function ownersOf(bindings: readonly Binding[]): ReadonlyMap<string, AgentClaim> {
  const owners = new Map<string, AgentClaim>();
  for (const { agentId, match: { accountId, ...others }, rule } of bindings) {
    const isAlone = Object.values(others).every((value) => value === undefined);
    if (accountId === undefined || !isAlone || owners.has(accountId)) continue;
    owners.set(accountId, { agentId, rule });
  }
  return owners;
}

type SomePlace = Pick<InboundMessage, "channelId" | "place">;

/** The step of `router.assignments`: an id goes before a name, and a name before `*`. */
function prepareAssigned(entries: readonly AssignedChannel[]): (
  message: SomePlace,
  ask: RecordCheck,
) => AgentClaim | undefined {
  // "#Help Desk" and "help-desk" are one channel.
  const known = entries.map((entry) => ({ entry, key: slugOfKey(entry.channel) }));

  function keysOf({ channelId, place }: SomePlace): readonly string[] {
    if (place.kind !== "guild") return [channelId, "*"];
    const { channel: { id, name }, isUnknown } = place;
    return [channelId, id, ...isUnknown ? [] : formsOf(name).filter(isNameKey), "*"];
  }

  return (message, ask) => {
    const keys = known.length === 0 ? [] : keysOf(message);
    const entry = keys.flatMap((key) => known.find((one) => one.key === key) ?? [])[0]?.entry;
    const fact = () =>
      entry
        ? `${quoted(entry.channel)} is assigned to the agent ${quoted(entry.agentId)}`
        : "its channel is assigned to no agent";
    ask("assigned", true, entry?.rule ?? ASSIGNMENTS, fact);
    return entry;
  };
}

/** A binding's claim; with its account, if it names one. */
interface BoundClaim extends AgentClaim {
  readonly accountId?: AccountId;
}

/**
 * How exact a match is: a channel before a user, a user before a guild, and a guild before an
 * account. Two matches of the same keys are equally exact; the first of the config applies.
 */
export function exactnessOf({ channelId, userId, guildId, accountId }: BindingMatch): number {
  return (channelId === undefined ? 0 : 8) + (userId === undefined ? 0 : 4) +
    (guildId === undefined ? 0 : 2) + (accountId === undefined ? 0 : 1);
}

/** The step of `bindings`: a thread before its channel, and then the most exact match. */
function prepareBindings(bindings: readonly Binding[]): (
  message: RoutedMessage,
  present: readonly AccountId[],
  ask: RecordCheck,
) => BoundClaim | undefined {
  const sorted = bindings.toSorted((one, other) =>
    exactnessOf(other.match) - exactnessOf(one.match)
  );

  function find(message: RoutedMessage, present: readonly AccountId[]): Binding | undefined {
    const { channelId, place, sender } = message;
    const inGuild = place.kind === "guild" ? place : undefined;
    const boundIn = (id: string | undefined) =>
      sorted.find(({ match }) =>
        match.channelId === id &&
        (match.userId === undefined || match.userId === sender.id) &&
        (match.guildId === undefined || match.guildId === inGuild?.guild.id) &&
        (match.accountId === undefined || present.some((account) => account === match.accountId))
      );
    return boundIn(channelId) ?? (inGuild && boundIn(inGuild.channel.id)) ?? boundIn(undefined);
  }

  return (message, present, ask) => {
    const binding = find(message, present);
    const fact = () =>
      binding
        ? `${matchText(binding.match)} is bound to the agent ${quoted(binding.agentId)}`
        : "no binding is for it";
    ask("bound", true, binding?.rule ?? BINDINGS, fact);
    if (!binding) return undefined;
    const { agentId, rule, match } = binding;
    return { agentId, rule, accountId: present.find((account) => account === match.accountId) };
  };
}

/** A match in words: `"channel 123 with user 456"`. */
function matchText({ channelId, userId, guildId, accountId }: BindingMatch): string {
  const parts = [
    ...(channelId === undefined ? [] : [`channel ${channelId}`]),
    ...(userId === undefined ? [] : [`user ${userId}`]),
    ...(guildId === undefined ? [] : [`guild ${guildId}`]),
    ...(accountId === undefined ? [] : [`account ${quoted(accountId)}`]),
  ];
  return parts.length === 0 ? "every message" : parts.join(" with ");
}

type TriggerMatch = Pick<Triggered, "agentId" | "event" | "rule">;

/** Finds them, in the order of the config. Who wrote the message does not count here. */
type FindTriggers = (message: InboundMessage) => readonly TriggerMatch[];

/** The same for a reaction that a person adds. */
type FindReactionTriggers = (
  reaction: SomePlace & { readonly emoji: string },
) => readonly TriggerMatch[];

const NONE: readonly TriggerMatch[] = [];

/** A command that a text gives: `"/standup"` and `"/standup for today"`. */
const COMMAND = /^\s*\/([\w-]{1,32})(?=\s|$)/;

/** Prepares the search for many messages and reactions. */
export function prepareTriggers(
  { passive, patternsIn }: Pick<AccessPolicy, "passive" | "patternsIn">,
): { readonly inMessage: FindTriggers; readonly byReaction: FindReactionTriggers } {
  const agents = passive.map(({ agentId, channels, triggers }) => ({
    agentId,
    watches: prepareAssigned(channels),
    triggers,
  }));
  const watchingIn = (at: SomePlace) =>
    at.place.kind === "guild" ? agents.filter(({ watches }) => watches(at, recordNothing)) : [];

  function inMessage(message: Parameters<FindTriggers>[0]): readonly TriggerMatch[] {
    const watching = agents.length === 0 ? [] : watchingIn(message);
    if (watching.length === 0) return NONE;
    const patterns = patternsIn(message.text);
    const command = COMMAND.exec(message.text)?.[1]?.toLowerCase();
    return watching.flatMap(({ agentId, triggers }): readonly TriggerMatch[] => {
      const found = triggers.find(({ kind, rule, word }) =>
        kind === "pattern" ? patterns.includes(rule) : kind === "command" && word === command
      );
      return found ? [{ agentId, event: found.kind, rule: found.rule }] : [];
    });
  }

  function byReaction(reaction: Parameters<FindReactionTriggers>[0]): readonly TriggerMatch[] {
    const emoji = comparable(reaction.emoji);
    return watchingIn(reaction).flatMap(({ agentId, triggers }): readonly TriggerMatch[] => {
      const found = triggers.find(({ kind, word }) =>
        kind === "reaction" && comparable(word) === emoji
      );
      return found ? [{ agentId, event: "reaction", rule: found.rule }] : [];
    });
  }

  return { inMessage, byReaction };
}

/** An emoji in Discord's spelling; an animated one is as its still one. */
function comparable(emoji: string): string {
  return reactionEmoji(emoji).replace(/^<a:/, "<:");
}
