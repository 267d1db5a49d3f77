/** Reads the budgets that health shows: of the whole bot, of its agents, and spent ones of guilds (X4). */

import type { Bot } from "../../account/account.ts";
import type { BudgetUseOf } from "../../core/spending/budget.ts";
import type { Store } from "../../store/store.ts";
import { readBudgetsOfAll, readSpentGuildBudgets } from "../../flows/limits.ts";

/** Milliseconds for which names of guilds are reused. */
const NAMES_MS = 600_000;

/**
 * Creates the read, which health repeats every few seconds.
 *
 * @returns Rejects if the store cannot be read.
 */
export function createReadBudgets(bot: Bot): () => Promise<readonly BudgetUseOf[]> {
  const { store, now } = bot;
  const nameOf = createGuildNames(store, now);
  return async () => {
    const { budgets, agentList } = bot.setup.config;
    const ids = agentList.map(({ id }) => id);
    return [
      ...await readBudgetsOfAll(budgets, ids, store, now()),
      ...await readSpentGuildBudgets(budgets, store, nameOf, now()),
    ];
  };
}

/** Reads the names of all guilds at the first call, and again once they are old. */
function createGuildNames(
  { gateway }: Store,
  now: () => number,
): (guildId: string) => Promise<string | undefined> {
  let known: { readonly names: ReadonlyMap<string, string>; readonly at: number } | undefined;

  async function readNames(): Promise<ReadonlyMap<string, string>> {
    const { restoreIndex } = await import("../../discord/gateway/decode/guild_index.ts");
    const names = new Map<string, string>();
    for (const accountId of await gateway.accountIds()) {
      const { index } = restoreIndex(await gateway.guildsOf(accountId));
      for (const { id, name } of index.values()) names.set(id, name);
    }
    return names;
  }

  return async (guildId) => {
    if (!known || now() - known.at > NAMES_MS) known = { names: await readNames(), at: now() };
    return known.names.get(guildId);
  };
}
