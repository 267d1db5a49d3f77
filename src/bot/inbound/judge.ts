/**
 * Judges what arrives by the policy of the moment, with what is known beside it.
 *
 * All of it is in memory, so a batch never waits: who of the speakers is ours, which channels bots
 * have had to themselves, and whom PluralKit speaks for. What only the store or the network knows
 * is left open by the verdict.
 *
 * @module
 */

import type { ChannelId, UserId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Source } from "../../flows/receive/judged.ts";
import { createLoopGuard } from "../../policy/loop_guard.ts";
import type { PolicyKeeper } from "../rules/policy.ts";

export interface JudgePorts {
  readonly policy: Pick<PolicyKeeper, "now">;
  /** Whether an account of this process has that user. */
  readonly isOurs: (userId: UserId) => boolean;
  /** Whether PluralKit has spoken for them before. */
  readonly isProxied: (userId: UserId) => boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface Judge {
  /**
   * @param known What was found out about it since it came.
   * @param source What was found in a history is no turn of a conversation that goes on now.
   */
  judge(
    message: InboundMessage,
    known?: KnownFacts,
    source?: Source,
  ): Pick<Judged, "verdict" | "moment" | "policyId">;
  /**
   * What is to be said of a message of a channel's history: it counts for nothing that is to come,
   * and what is still there was not said again by PluralKit.
   */
  recall(message: InboundMessage): Verdict;
  /** We have spoken there. */
  recordOwn(channelId: ChannelId): void;
}

export function createJudge({ policy, isOurs, isProxied, now }: JudgePorts): Judge {
  const guard = createLoopGuard(() => policy.now().policy.loopGuard);

  function whose({ sender }: InboundMessage): Pick<KnownFacts, "isOurs"> {
    return sender.automaton !== undefined && isOurs(sender.id) ? { isOurs: true } : {};
  }

  function knownFactsOf(message: InboundMessage, known: KnownFacts): KnownFacts {
    const { sender, channelId } = message;
    if (sender.automaton === undefined) {
      const mayBeProxied = !sender.pluralkit && isProxied(sender.id);
      return mayBeProxied ? { ...known, isProxied: true } : known;
    }
    const isMuted = guard.isMuted(channelId, now());
    return { ...known, ...whose(message), ...(isMuted && { isMuted: true }) };
  }

  return {
    judge(message, known = {}, source = "live") {
      const { admit, id: policyId, policy: { allowBots } } = policy.now();
      const moment = knownFactsOf(message, known);
      const verdict = admit(message, moment);
      const isTurn = source === "live" && verdict.kind !== "undecided"; // whether a bot speaks is open then
      if (allowBots && isTurn) {
        guard.record(message.channelId, message.sender.automaton ? "bot" : "person", now());
      }
      return {
        verdict,
        moment,
        ...(policyId !== undefined && { policyId }),
      };
    },
    recall: (message) => policy.now().admit(message, { isUnproxied: true, ...whose(message) }),
    recordOwn(channelId) {
      if (policy.now().policy.allowBots) guard.record(channelId, "own", now());
    },
  };
}
