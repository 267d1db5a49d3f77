/**
 * Runs the checks of the running bot that read the disk and the store, the budgets of health among them
 * (X4): at most once a minute.
 */

import type { Bot } from "../../account/account.ts";
import type { Finding } from "../../core/finding.ts";
import type { BudgetUseOf } from "../../core/spending/budget.ts";
import { readBudgetsOfAll, readSpentGuildBudgets } from "../../flows/limits.ts";
import { hostingOf, judgeBackups, judgeDisk, judgeRuns } from "../../flows/preflight/host.ts";
import { isThere, readDisk } from "../../host/limits/program_bounds.ts";
import { readBootId } from "../../host/process/boot.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { Store } from "../../store/store.ts";

/** Rejects if the store cannot be read. */
export async function readAllBudgets(
  { store, setup: { config: { budgets, agentList } }, now }: Bot,
): Promise<readonly BudgetUseOf[]> {
  const ids = agentList.map(({ id }) => id);
  return [
    ...await readBudgetsOfAll(budgets, ids, store, now()),
    ...await readSpentGuildBudgets(budgets, store, (guildId) => guildName(store, guildId), now()),
  ];
}

async function guildName({ gateway }: Store, guildId: string): Promise<string | undefined> {
  const { restoreIndex } = await import("../../discord/gateway/decode/guild_index.ts");
  for (const accountId of await gateway.accountIds()) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    for (const { id, name } of index.values()) if (id === guildId) return name;
  }
  return undefined;
}

const FRESH_MS = 60_000;
/** Milliseconds after which a bot that was often killed counts as well again. */
const WELL_MS = 3_600_000;

/** Creates the checks; they reject if the store cannot be read. */
export function createSlowChecks(bot: Bot): () => Promise<readonly Finding[]> {
  const { store, dataDir, env, now } = bot;
  const startedAt = now();
  let last: { readonly findings: readonly Finding[]; readonly at: number } | undefined;
  let runs: Finding | undefined;
  return async () => {
    const at = now();
    if (last && at - last.at < FRESH_MS) return last.findings;
    const { backup } = bot.setup.config;
    runs ??= judgeRuns(
      (await store.gateway.runs(at - DAY_MS)).slice(0, -1),
      at,
      readBootId(),
      hostingOf(env),
    );
    const backups = await store.settings.backups();
    const findings = [
      ...judgeDisk(await readDisk(dataDir)),
      at - startedAt < WELL_MS ? runs : { ...runs, status: "pass" as const },
      judgeBackups(backups, backup, at, await isThere(backups.made?.path ?? "")),
    ];
    last = { findings, at };
    return findings;
  };
}
