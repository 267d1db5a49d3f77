/**
 * Makes the runs of passive agents beside the messages that their triggers match (N1).
 *
 * A run is stored in the transaction of its message (T1), and its id follows from that message. So a
 * crash neither loses nor repeats it. Whether an active agent answers is decided here, too, and
 * stored with the run.
 */

import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { RoutingFacts } from "../../core/inbound/facts.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/reactions.ts";
import { ASKED_OTHERWISE, type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { reactionRunIdOf, type Triggered, triggeredIdOf } from "../../core/inbound/triggered.ts";
import type { Clock } from "../../lib/clock.ts";
import type { CurrentPolicy } from "./policy_keeper.ts";

/** Maximum number of reactions to remember; at the limit, all are forgotten. */
const MAX_REACTIONS = 1_000;

const NONE: readonly InboundMessage[] = [];

/** Reasons for which no agent may act on a message: it does not count, or asks to be left alone. */
const UNHEARD: ReadonlySet<string> = new Set(["pk-original", "send-off", "own"]);

export function createPassiveRuns(
  { policy, routingOf, now }: Clock & {
    readonly policy: () => Pick<CurrentPolicy, "policy" | "triggersOf">;
    /** Facts that choose among several accounts (N2). */
    readonly routingOf: (message: InboundMessage) => RoutingFacts | undefined;
  },
) {
  /** When each of the last reactions caused a run. */
  const reactedAt = new Map<string, number>();

  /** Whether the same person has added that emoji to that message just before. */
  function isRepeated(key: string): boolean {
    const last = reactedAt.get(key);
    const isAgain = last !== undefined && now() - last < policy().policy.dedupWindowMs;
    if (isAgain) return true;
    if (reactedAt.size >= MAX_REACTIONS) reactedAt.clear();
    reactedAt.set(key, now());
    return false;
  }

  /** Whether another agent, of this account or of another one, may answer the message. */
  function isAnswered({ message, verdict: { kind } }: Judged): boolean {
    if (kind !== "ignore") return true;
    const { mentioned, accounts } = routingOf(message) ?? {};
    return mentioned !== undefined || accounts !== undefined;
  }

  return {
    /** The runs that a judged message causes. Bots cause none, and commands of Barnacle neither. */
    runsBeside(judged: Judged): readonly InboundMessage[] {
      const { message, verdict, policyVerdict, stop, command } = judged;
      if (policy().policy.passive.length === 0) return NONE;
      const { sender, isAnnouncement } = message;
      const mayCause = sender.automaton === undefined && isAtDiscord(message) && !isAnnouncement &&
        !policyVerdict && !stop && command === undefined && !UNHEARD.has(verdict.why);
      if (!mayCause) return NONE;
      const matches = policy().triggersOf.inMessage(message);
      if (matches.length === 0) return NONE;
      const answered = isAnswered(judged) ? true : undefined;
      return matches.map((match) =>
        triggeredBy(message, { ...match, messageId: message.id, isAnswered: answered })
      );
    },
    /**
     * The runs that a reaction causes. No message asks for them, so no active agent answers: their text
     * is posted.
     */
    runsOnReaction(reaction: Reaction, { onlyIf }: PermittedReaction): readonly InboundMessage[] {
      const { change, sender, messageId, emoji, accountId, channelId, guildId, place } = reaction;
      const isCertain = Object.keys(onlyIf).length === 0;
      if (change !== "added" || sender.automaton || !isCertain) return NONE;
      const matches = policy().policy.passive.length === 0
        ? []
        : policy().triggersOf.byReaction(reaction);
      const key = [messageId, sender.id, emoji];
      if (matches.length === 0 || isRepeated(key.join(" "))) return NONE;
      const at = { accountId, channelId, guildId, place, sender };
      return matches.map((match): InboundMessage => {
        const id = reactionRunIdOf(key, match.agentId, now());
        return {
          ...ASKED_OTHERWISE,
          ...at,
          id,
          text: `(reacts with ${emoji})`,
          sentAt: createdAtMs(id),
          triggered: { ...match, messageId },
        };
      });
    },
    /** The ids of the runs that a message may have caused. */
    runIdsOf: (messageId: MessageId): readonly MessageId[] =>
      policy().policy.passive.map(({ agentId }) => triggeredIdOf(messageId, agentId)),
  };
}

/** The message of a run: the person who caused it wrote it, and Discord does not have it. */
function triggeredBy(message: InboundMessage, triggered: Triggered): InboundMessage {
  const id = triggeredIdOf(message.id, triggered.agentId);
  return { ...message, id, mention: "user", sentAt: createdAtMs(id), triggered };
}
