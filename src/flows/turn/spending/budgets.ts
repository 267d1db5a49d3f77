/**
 * Checks budgets and counts requests to models, for turns and for all other parts that ask models.
 */

import {
  type Budgets,
  budgetStopOf,
  type BudgetUse,
  type BudgetUseOf,
  budgetUses,
  hasBudget,
  isSpent,
  usesOf,
} from "../../../core/spending/budget.ts";
import { ofAgent, type UsedBy } from "../../../core/spending/usage.ts";
import type { SpendPort } from "../../../core/spending/budget.ts";
import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import type { Usage } from "../../../store/usage/usage.ts";

/** The port of an account. Without a budget in the config, no check reads the store. */
export const spendOf: (account: BotAccount) => SpendPort = perAccount(
  "turns",
  ({ config, store: { usage }, now }): SpendPort => ({
    check(by, kind) {
      const { budgets } = config();
      if (!hasBudget(budgets)) return undefined;
      return usage.spentBy(by, now()).then((spent) => budgetStopOf(budgets, by, kind, spent));
    },
    record: (charge) => usage.add([charge]),
  }),
);

/** Reads the limits of the whole bot and of its agents; of each, the agent that has used most. */
export async function readBudgetsOfAll(
  budgets: Budgets,
  agentIds: readonly string[],
  store: { readonly usage: Usage },
  now: number,
): Promise<readonly BudgetUse[]> {
  const read = (agentId: string) => readBudgets(budgets, ofAgent(agentId), store, now);
  const most = new Map<string, BudgetUse>();
  for (const use of (await Promise.all(agentIds.map(read))).flat()) {
    if (use.used >= (most.get(use.rule)?.used ?? 0)) most.set(use.rule, use);
  }
  return [...most.values()];
}

/** Maximum number of guilds with a spent budget in a report, for each limit. */
const REPORTED_GUILDS = 20;

/**
 * Reads the spent budgets of guilds, which silence a whole guild each. Their sums are in memory, and
 * names are read only for a guild with a spent budget.
 *
 * @param nameOf Returns the name of a guild; `undefined` if it is unknown.
 */
export async function readSpentGuildBudgets(
  { perGuild, uncounted }: Budgets,
  { usage }: { readonly usage: { readonly spentByGuild: Usage["spentByGuild"] } },
  nameOf: (guildId: string) => Promise<string | undefined>,
  now: number,
): Promise<readonly BudgetUseOf[]> {
  if (Object.values(perGuild).every((limit) => limit === undefined)) return [];
  const counts = new Map<string, number>();
  const found: BudgetUseOf[] = [];
  for (const [of, spent] of await usage.spentByGuild(now)) {
    for (const use of usesOf("budgets.perGuild", perGuild, spent, { uncounted }).filter(isSpent)) {
      const count = (counts.get(use.rule) ?? 0) + 1;
      counts.set(use.rule, count);
      if (count <= REPORTED_GUILDS) found.push({ ...use, of, name: await nameOf(of) });
    }
  }
  return found;
}

/** Reads the limits that requests count for, with their use so far. Rejects if the store fails. */
export async function readBudgets(
  budgets: Budgets,
  by: UsedBy,
  { usage }: { readonly usage: Usage },
  now: number,
): Promise<readonly BudgetUse[]> {
  return hasBudget(budgets) ? budgetUses(budgets, by, await usage.spentBy(by, now)) : [];
}
