/**
 * Makes the record of a turn that a spent budget stops (X4), and adds the cost to any turn's record.
 *
 * The sender learns of a spent budget once a day. Later messages of the day get no answer, and
 * `barnacle why` has the reason of each.
 *
 * @module
 */

import { type BudgetStop, reasonOf } from "../../../core/spending/budget.ts";
import type { Claim, FinishedTurn } from "../../../core/inbound/inbox.ts";
import type { SpendPort } from "../../../core/spending/metered_model.ts";
import { dayOf, endOfDay } from "../../../core/spending/usage.ts";
import { freeze } from "../../../render/freeze.ts";
import type { Texts } from "../../../render/notices/notices.ts";
import { composeNotice } from "../../../render/reply.ts";
import type { TurnSpending } from "./turn_spending.ts";
import type { Usage } from "../../../core/store/usage.ts";
import type { Account } from "../../../core/account/account.ts";

/** Budgets, for turns. */
export type TurnSpendPort = SpendPort & Pick<Usage, "isTold">;

/** The part of a turn's rules that such a record needs. */
export interface RefusedRules {
  /** The operator's own notices. */
  readonly texts: Texts;
  /** Name of the place for people, for the log (S2). */
  readonly where: string;
}

/**
 * The record of a turn that no model is asked for. Bots get no notice.
 *
 * @param spend Knows who was told.
 */
export async function refusedTurn(
  claim: Claim,
  stop: BudgetStop,
  { texts, where }: RefusedRules,
  { now, log }: Pick<Account, "log" | "now">,
  spend: Pick<TurnSpendPort, "isTold">,
): Promise<FinishedTurn> {
  const { message, route: { agentId } } = claim;
  const at = now();
  const { id: userId, automaton } = message.sender;
  const isSilent = automaton !== undefined || await spend.isTold(userId, at);
  const reason = reasonOf(stop);
  log.info("A budget is spent: a message gets no answer", {
    messageId: message.id,
    where,
    rule: stop.rule,
    limit: stop.limit,
    isTold: !isSilent,
  });
  const reset = `<t:${Math.floor(endOfDay(at) / 1_000)}:R>`; // in the reader's own time
  return {
    claim,
    end: { kind: "refused", reason },
    entries: [],
    outbox: isSilent ? [] : freeze(
      composeNotice({ message, agentId }, { key: "budgetSpent", words: { reset } }, texts),
    ),
    told: !isSilent ? { userId, day: dayOf(at) } : undefined,
  };
}

/** Adds the cost of a turn to its record. */
export function paidTurn(turn: FinishedTurn, spending: TurnSpending): FinishedTurn {
  const cost = spending.cost();
  if (!cost) return turn;
  return { ...turn, cost, charges: spending.unsaved(PURPOSES[turn.end.kind]) };
}

const PURPOSES = {
  answered: "answer",
  declined: "no_reply",
  refused: "failed",
  interrupted: "failed",
  failed: "failed",
} as const;
