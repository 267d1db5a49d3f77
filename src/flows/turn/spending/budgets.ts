/**
 * Checks budgets and counts requests to models, for turns and for all other parts that ask models.
 */

import {
  type Budgets,
  budgetStopOf,
  type BudgetUse,
  budgetUses,
  hasBudget,
} from "../../../core/spending/budget.ts";
import { ofAgent, type UsedBy } from "../../../core/spending/usage.ts";
import type { TurnSpendPort } from "./turn_spending.ts";
import type { Usage } from "../../../core/store/usage.ts";
import type { Account } from "../../../core/account/account.ts";

/** Creates the port. Without a budget in the config, no check reads the store. */
export function createSpending(
  { config, store: { usage }, now }: Pick<
    Account<
      { readonly budgets: Budgets },
      unknown,
      { readonly usage: Pick<Usage, "spentBy" | "isTold" | "add"> }
    >,
    "config" | "store" | "now"
  >,
): TurnSpendPort {
  return {
    check(by, kind) {
      const { budgets } = config();
      if (!hasBudget(budgets)) return undefined;
      return usage.spentBy(by, now()).then((spent) => budgetStopOf(budgets, by, kind, spent));
    },
    record: (charge) => usage.add([charge]),
    isTold: (userId, at) => usage.isTold(userId, at),
  };
}

/** Reads the limits of the whole bot and of its agents; of each, the agent that has used most. */
export async function readBudgetsOfAll(
  budgets: Budgets,
  agentIds: readonly string[],
  store: { readonly usage: Pick<Usage, "spentBy"> },
  now: number,
): Promise<readonly BudgetUse[]> {
  const read = (agentId: string) => readBudgets(budgets, ofAgent(agentId), store, now);
  const most = new Map<string, BudgetUse>();
  for (const use of (await Promise.all(agentIds.map(read))).flat()) {
    if (use.used >= (most.get(use.rule)?.used ?? 0)) most.set(use.rule, use);
  }
  return [...most.values()];
}

/** Reads the limits that requests count for, with their use so far. Rejects if the store fails. */
export async function readBudgets(
  budgets: Budgets,
  by: UsedBy,
  { usage }: { readonly usage: Pick<Usage, "spentBy"> },
  now: number,
): Promise<readonly BudgetUse[]> {
  return hasBudget(budgets) ? budgetUses(budgets, by, await usage.spentBy(by, now)) : [];
}
