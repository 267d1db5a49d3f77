/**
 * Judges what arrives by the policy of the moment, with what is known beside it.
 *
 * All of it is in memory, so a batch never waits: who of the speakers is ours, which channels bots
 * have had to themselves, and whom PluralKit speaks for. What only the store or the network knows
 * is left open by the verdict.
 *
 * @module
 */

import type { ChannelId, UserId } from "../core/ids.ts";
import type { Judged } from "../core/inbox.ts";
import type { InboundMessage } from "../core/inbound.ts";
import type { Moment } from "../core/moment.ts";
import { createLoopGuard } from "../policy/loop_guard.ts";
import type { PolicyKeeper } from "./policy.ts";

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
  /** @param known What was found out about it since it came. */
  judge(
    message: InboundMessage,
    known?: Moment,
  ): Pick<Judged, "verdict" | "moment" | "policyId">;
  /** We have spoken there. */
  spoke(channelId: ChannelId): void;
}

export function createJudge({ policy, isOurs, isProxied, now }: JudgePorts): Judge {
  const guard = createLoopGuard(() => policy.now().policy.loopGuard);

  function momentOf({ sender, channelId }: InboundMessage, known: Moment): Moment {
    const isBot = sender.automaton !== undefined;
    return {
      ...known,
      ...(isBot && isOurs(sender.id) && { isOurs: true }),
      ...(isBot && guard.isMuted(channelId, now()) && { isMuted: true }),
      ...(!isBot && !sender.pluralkit && isProxied(sender.id) && { isProxied: true }),
    };
  }

  return {
    judge(message, known = {}) {
      const { admit, id: policyId, policy: { allowBots } } = policy.now();
      const moment = momentOf(message, known);
      const verdict = admit(message, moment);
      if (allowBots && verdict.kind !== "undecided") { // whether a bot speaks is open then
        guard.said(message.channelId, message.sender.automaton ? "bot" : "person", now());
      }
      return {
        verdict,
        moment,
        ...(policyId !== undefined && { policyId }),
      };
    },
    spoke(channelId) {
      if (policy.now().policy.allowBots) guard.said(channelId, "own", now());
    },
  };
}
