/**
 * Checks budgets and counts requests to models, for turns and for all other parts that ask models.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { budgetStopOf, hasBudget } from "../../core/spending/budget.ts";
import type { TurnSpendPort } from "../../flows/turn/spending/refused_turn.ts";
import type { Store } from "../../core/store/store.ts";

/** Everything that spending needs from outside. */
export interface SpendingPorts {
  /** The current config. */
  readonly config: () => Pick<Config, "budgets">;
  /** The use of models so far. */
  readonly usage: Pick<Store["usage"], "spentBy" | "isTold" | "add">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Creates the port. Without a budget in the config, no check reads the store. */
export function createSpending({ config, usage, now }: SpendingPorts): TurnSpendPort {
  return {
    async check(by, kind) {
      const { budgets } = config();
      if (!hasBudget(budgets)) return undefined;
      return budgetStopOf(budgets, by, kind, await usage.spentBy(by, now()));
    },
    record: (charge) => usage.add([charge]),
    isTold: (userId, at) => usage.isTold(userId, at),
  };
}
