/**
 * Refuses messages whose sender or channel has too many waiting turns (X4).
 *
 * The verdict is stored in the transaction that records the message. So after a crash, the same message
 * is neither answered nor refused a second time.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import {
  type FullList,
  fullList,
  LIMIT_RULES,
  shareOf,
  type UnansweredReason,
  type WaitingLimits,
  type WaitingRules,
} from "../../core/inbound/waiting_limits.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { termsOf } from "../../core/inbound/origin.ts";
import { TOLD_WITHIN_MS } from "../../core/inbound/verdict.ts";
import type { Memory } from "../memory/memory.ts";
import type { OpenTurn, TurnList } from "../memory/turn_counts.ts";

/** An accepted message after the check. */
export interface Checked {
  /** The message, refused or unchanged. */
  readonly judged: Judged;
  /** Stores everything else that the result needs, once the verdict is new on the record. */
  readonly keep?: () => void;
  /** Why the person who wrote it gets no answer; absent for bots, and if it gets one. */
  readonly unanswered?: UnansweredReason;
}

/** Prepares the check of waiting turns. */
export function prepareWaitingTurns(
  database: DatabaseSync,
  { turns: { counts: turns }, apply, readTurns }: Pick<Memory, "turns" | "apply" | "readTurns">,
) {
  const isInInbox = statementsOf(database)`SELECT 1 FROM inbox WHERE message_id = ?`;
  const expect = (turn: OpenTurn): void => apply({ kind: "expected", turn });

  return {
    /**
     * Checks a message that has no final verdict yet, within a transaction of the caller's, and whether
     * catch-up leaves it without an answer.
     *
     * @param rules Without them, every turn may wait. It counts for later ones.
     */
    check(judged: Judged, rules: WaitingRules | undefined, now: number): Checked {
      const { message, verdict } = judged;
      const why = missedWhy(judged, now);
      if (why && rules) return { judged, unanswered: toldTo(message, why) };
      if (verdict.kind !== "accept") return { judged };
      if (!rules) return { judged, keep: () => expect(turnOf(message)) };
      if (judged.stop) return { judged }; // a full list must not keep it from stopping turns
      if (turns.isStale) readTurns();
      // Another account answers it, and counts it.
      if (isInInbox.get(message.id)) return { judged };
      const turn = turnOf(message);
      const full = fullOf(turns.listsOf(turn), rules, message);
      if (full) {
        const refused = refusedBy(judged, full.list, rules);
        return { judged: refused, unanswered: toldTo(message, "queue-full") };
      }
      return { judged, keep: () => expect(turn) };
    },
  };
}

/** Checks accepted messages; others stay unchanged. */
export type WaitingTurns = ReturnType<typeof prepareWaitingTurns>;

/** No one waits for a passive agent, and a program learns of it by its response. */
function toldTo(message: InboundMessage, why: UnansweredReason): UnansweredReason | undefined {
  return message.sender.automaton || !termsOf(message).refused ? undefined : why;
}

/** The list in which no more turn may wait; `undefined` if neither is full. */
function fullOf(
  [user, channel]: readonly [user: TurnList, channel: TurnList],
  rules: WaitingRules,
  message: InboundMessage,
): TurnList | undefined {
  const limits = message.origin?.kind === "passive" ? halfOf(rules) : rules;
  const inChannel = channel.turnsFor(message.sender.id, shareOf(limits));
  const full = fullList({ ofUser: user.turns, inChannel }, limits);
  if (full === "user") return user;
  return full && !rules.isOwner(message) ? channel : undefined;
}

/** The rest of each list is for questions: passive agents and programs must not keep people waiting. */
function halfOf(rules: WaitingLimits): WaitingLimits {
  const { perUser, perChannel, ...limits } = rules;
  return {
    ...limits,
    share: shareOf(rules), // of people's questions, as many count as for questions
    perUser: Math.floor(perUser / 2),
    perChannel: Math.floor(perChannel / 2),
  };
}

/** Why catch-up leaves a message without an answer that the policy accepts; else `undefined`. */
function missedWhy(
  { message, verdict: { why }, policyVerdict }: Judged,
  now: number,
): UnansweredReason | undefined {
  if (policyVerdict?.kind !== "accept" || now - message.sentAt > TOLD_WITHIN_MS) return undefined;
  return why === "too-old" || why === "too-many" ? why : undefined;
}

/** The message without its turn. */
function refusedBy(
  { route: _, ...judged }: Judged,
  full: FullList,
  { channelRule }: WaitingLimits,
): Judged {
  const { message, verdict, policyVerdict = verdict } = judged;
  return {
    ...judged,
    policyVerdict,
    verdict: {
      kind: "ignore",
      why: "queue-full",
      rule: full === "channel" && channelRule || LIMIT_RULES[full],
      keepAsContext: message.place.kind === "guild", // only guilds have such context
    },
  };
}

function turnOf({ id, accountId, sender, channelId }: InboundMessage): OpenTurn {
  return { messageId: id, accountId, userId: sender.id, channelId };
}
