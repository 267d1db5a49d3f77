/**
 * Checks budgets and counts requests to models, for turns and for all other parts that ask models.
 */

import { budgetStopOf, hasBudget } from "../../../core/spending/budget.ts";
import type { TurnSpendPort } from "./turn_spending.ts";
import type { Usage } from "../../../core/store/usage.ts";
import type { Account } from "../../../core/account/account.ts";

/** Creates the port. Without a budget in the config, no check reads the store. */
export function createSpending(
  { config, store: { usage }, now }: Pick<
    Account<
      { readonly budgets: Parameters<typeof hasBudget>[0] },
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
