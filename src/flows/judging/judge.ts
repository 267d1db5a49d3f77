/**
 * Judges arriving messages by the current policy and the facts in memory.
 *
 * A batch never waits, so all its facts are in memory: our accounts, counts of the loop guard, users
 * of PluralKit, scores of the intent filter, and facts that choose the agent. A verdict leaves facts
 * open that only the store or the network has.
 */

import type { Clock } from "../../lib/clock.ts";
import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import { commandIn } from "../../core/inbound/text_commands.ts";
import type { Judgement } from "../../core/inbound/inbox.ts";
import { type InboundMessage, type OwnMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts, RoutingFacts } from "../../core/inbound/facts.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { createIntentFilter } from "../intent/intent_filter.ts";
import type { MessageSource } from "../inbound/judge_message.ts";
import {
  type CountedMessage,
  createLoopGuard,
  type KeptRuns,
  type Speaker,
} from "../../policy/loop_guard.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import type { CurrentPolicy } from "./policy_keeper.ts";

/** Whether it depends on Discord's word about the sender: owners write directly without pairing. */
function mayBeOwner({ place }: InboundMessage, { dm, commands }: AccessPolicy): boolean {
  return place.kind !== "guild" && dm.policy === "pairing" && !commands.owners;
}

export function createJudge(
  {
    policy,
    isOurs,
    isProxied,
    ownsApplication,
    chosenIn,
    continuesIn,
    intent,
    routingOf,
    keptRuns,
    loopMuted,
    now,
  }: Clock & {
    readonly policy: () => CurrentPolicy;
    readonly isOurs: (userId: UserId) => boolean;
    /** Whether PluralKit has proxied that user before. */
    readonly isProxied: (userId: UserId) => boolean;
    /** Whether Discord names that user as an owner of the application, by its answers so far. */
    readonly ownsApplication: (userId: UserId) => boolean;
    /** The settings that owners have chosen for a place by commands (K2). */
    readonly chosenIn?: (
      message: InboundMessage,
    ) => Pick<KnownFacts, "activation" | "isSilenced"> | undefined;
    /** Whether a conversation continues in a thread without mentions (S7). */
    readonly continuesIn: (channelId: ChannelId) => boolean;
    /** The intent filter (I1); absent: no place has one. */
    readonly intent?: Pick<ReturnType<typeof createIntentFilter>, "factsOf" | "decided">;
    /** Facts that choose the agent and the account of a message (N2); absent: there are none. */
    readonly routingOf?: (message: InboundMessage) => RoutingFacts | undefined;
    /** The counts of the loop guard (P11); absent: they end with the process. */
    readonly keptRuns?: KeptRuns;
    /** The guard refuses a bot, for the first time since a person wrote in the channel. */
    readonly loopMuted?: (message: InboundMessage) => void;
  },
) {
  const guard = createLoopGuard(() => policy().policy.loopGuard, keptRuns);

  function ownBotFact({ sender }: InboundMessage): Pick<KnownFacts, "isOurs"> {
    return sender.automaton !== undefined && isOurs(sender.id) ? { isOurs: true } : {};
  }

  function knownFactsOf(
    message: InboundMessage,
    known: KnownFacts,
    isCommand: boolean,
  ): KnownFacts {
    const { sender, channelId, place } = message;
    if (sender.automaton === undefined) {
      const mayBeProxied = !sender.pluralkit && isProxied(sender.id);
      const inThread = place.kind === "guild" && place.thread !== undefined &&
        continuesIn(channelId);
      const isOwner = mayBeOwner(message, policy().policy) && ownsApplication(sender.id);
      if (!(mayBeProxied || inThread || isCommand || isOwner)) return known;
      return {
        ...known,
        ...(isOwner && { ownsApplication: true }),
        ...(mayBeProxied && { isProxied: true }),
        ...(inThread && { inAnswerThread: true }),
        ...(isCommand && { rightsLater: true }),
      };
    }
    const isMuted = policy().policy.allowBots && speakerOf(message) === "bot" &&
      guard.refuses(countedOf(message), now());
    return { ...known, ...ownBotFact(message), ...(isMuted && { isMuted: true }) };
  }

  /** A feed that replies to the bot is none. */
  function speakerOf({ sender: { id, automaton }, mention }: InboundMessage): Speaker {
    if (automaton === undefined) return "person";
    const isFeed = mention !== "reply" && policy().policy.loopGuard.feeds?.includes(id);
    return isFeed ? "feed" : "bot";
  }

  function count(message: InboundMessage, facts: KnownFacts, verdict: Verdict): void {
    const isAsked = verdict.kind === "accept" || verdict.why === "loop-guard" &&
        policy().admit(message, { ...facts, isMuted: false }).kind === "accept";
    if (guard.record(countedOf(message), speakerOf(message), now(), isAsked)) loopMuted?.(message);
  }

  return {
    /**
     * Judges a message.
     *
     * @param known Facts found since it arrived.
     * @param source Edits and scheduled messages do not count as messages of a conversation.
     */
    judge(
      message: InboundMessage,
      known: KnownFacts = {},
      source: MessageSource = "live",
    ): Judgement {
      const { admit, id: policyId, policy: { allowBots }, textCommands } = policy();
      const command = commandIn(message, textCommands)?.name;
      const { triggered, hooked } = message;
      const given = triggered
        ? { ...known, triggered }
        : hooked
        ? { ...known, hook: hooked.hook }
        : known;
      const chosen = chosenIn?.(message);
      const beside = knownFactsOf(
        message,
        chosen ? { ...given, ...chosen } : given,
        command !== undefined,
      );
      const scores = known.intent ?? intent?.factsOf(message, source);
      const scored = scores ? { ...beside, intent: scores } : beside;
      const first = admit(message, scored);
      // An edit moves no turn to another account.
      const routing = first.kind === "accept" && !triggered && !hooked &&
          (source !== "not_live" || message.revision === 0)
        ? routingOf?.(message)
        : undefined;
      const knownFacts = routing ? { ...scored, routing } : scored;
      const verdict = routing ? admit(message, knownFacts) : first;
      if (scores) intent?.decided(message, verdict);
      // Whether the author is a bot is still open for an undecided message.
      const isTurn = (source !== "not_live" || message.asked) && verdict.kind !== "undecided";
      if (allowBots && isTurn) count(message, knownFacts, verdict);
      const judgement = policyId === undefined
        ? { verdict, knownFacts }
        : { verdict, knownFacts, policyId };
      return command === undefined ? judgement : { ...judgement, command };
    },
    /**
     * Facts for a message from a channel's history. It does not affect later messages. And PluralKit
     * has not proxied it, since it deletes the originals of proxied messages.
     */
    recall: (message: InboundMessage): Verdict =>
      policy().admit(message, { isUnproxied: true, ...ownBotFact(message) }),
    /**
     * Whether the account would answer a message that another account of the process sees, and that
     * mentions none. It does not affect later messages.
     */
    wouldAnswer(message: InboundMessage): boolean {
      const { mention: _, ...unaddressed } = message;
      const { admit, textCommands } = policy();
      const chosen = chosenIn?.(message);
      const isCommand = commandIn(message, textCommands) !== undefined;
      const known = knownFactsOf(unaddressed, { ...chosen }, isCommand);
      return admit(unaddressed, known).kind === "accept";
    },
    recordOwn(message: Pick<OwnMessage, "id" | "channelId" | "parentId">): void {
      if (policy().policy.allowBots) guard.record(message, "own", now());
    },
  };
}

function countedOf({ id, channelId, place }: InboundMessage): CountedMessage {
  const isThread = place.kind === "guild" && place.thread?.id === channelId;
  return isThread ? { id, channelId, parentId: place.channel.id } : { id, channelId };
}
