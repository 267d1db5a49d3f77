/**
 * `barnacle usage`: shows tokens, money and time of the models, by day, person, place, model or
 * purpose (L5), and the limits of the config (X4).
 */

import { DAY_MS } from "../../lib/clock.ts";
import {
  budgetLabel,
  type Budgets,
  budgetText,
  type BudgetUseOf,
  dayOf,
  isSpent,
  moneyText,
  monthStartOf,
  type Spent,
  usesOf,
} from "../../core/spending/budget.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfigLeniently } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { Store } from "../../store/store.ts";
import type { UsageField, UsageSum } from "../../store/usage/usage.ts";

export interface UsageFlags extends CommonFlags {
  /** Field whose values are listed. */
  readonly by: UsageField;
  /** Number of UTC days, today included. */
  readonly days: number;
}

export async function showUsage({ by, days, ...flags }: UsageFlags, io: Io): Promise<ExitCode> {
  const { budgets, currency } = await spendingConfig(await configBefore(flags, io), io);
  return await withStore(flags, io, async (store) => {
    const now = Date.now();
    const { rows, total } = await usageBy(by, days, store, now);
    const limits = await budgetUsesIn(store, budgets, now);
    if (flags.json) {
      io.out(JSON.stringify({ days, currency, rows, total, budgets: limits }));
      return EXIT.done;
    }
    if (rows.length === 0) io.err(`No model was asked in the last ${days} days.`);
    else {
      const head = [by, "requests", "input", "cached", "output", "cost", "seconds"];
      const lines = rows.map(({ value, name, ...sum }) =>
        cellsOf(budgetLabel(value, name), sum, currency)
      );
      for (const line of inColumns([head, ...lines, cellsOf("total", total, currency)])) {
        io.out(line);
      }
    }
    for (const use of limits) io.out(limitLine(use, currency));
    return EXIT.done;
  });
}

export interface UsageRow extends UsageSum {
  /** Id of the person, place or agent; a day as `2026-11-27`. */
  readonly value: string;
  /** Name of the person or place, if the store knows it. */
  readonly name?: string;
}

/** The sums of the last UTC days by a field, and of all together. */
export async function usageBy(
  by: UsageField,
  days: number,
  store: Store,
  now: number,
): Promise<{ readonly rows: readonly UsageRow[]; readonly total: UsageSum }> {
  const { usage } = store;
  const from = dayOf(now) - days + 1;
  const names = await namesOf(by, store);
  const rows = (await usage.sumBy(by, from)).map(({ value, ...sum }) => ({
    value: by === "day" ? new Date(Number(value) * DAY_MS).toISOString().slice(0, 10) : value,
    name: names.get(value),
    ...sum,
  }));
  return { rows, total: await usage.sum(from) };
}

/** The keys of the config about costs; none of a config that is missing or invalid. */
async function spendingConfig(
  file: string | undefined,
  { env }: Io,
): Promise<{ readonly budgets?: Budgets; readonly currency?: string }> {
  const loaded = await readConfigLeniently(file, env);
  if (loaded.kind !== "loaded") return {};
  const { budgets, models: { currency } } = loaded.config;
  return { budgets, currency };
}

/** The names of people, channels or guilds that the store knows, by id. */
async function namesOf(
  by: UsageField,
  { messages, gateway }: Store,
): Promise<ReadonlyMap<string, string>> {
  if (by === "user") return await messages.askersNames();
  const names = new Map<string, string>();
  if (by !== "guild" && by !== "channel") return names;
  for (const accountId of await gateway.accountIds()) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    for (const { id, name, channels } of index.values()) {
      if (by === "guild") names.set(id, name);
      else for (const channel of channels.values()) names.set(channel.id, `#${channel.name}`);
    }
  }
  return names;
}

function cellsOf(value: string, sum: UsageSum, currency: string | undefined): readonly string[] {
  const { requests, inputTokens, cachedTokens, outputTokens, ms } = sum;
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  return [
    value,
    String(requests),
    String(inputTokens),
    `${cached} %`,
    String(outputTokens),
    costOf(sum, currency),
    (ms / 1_000).toFixed(1),
  ];
}

/** The money of a sum in words, also if prices are missing. */
export function costOf(
  { micros, requests, unpriced }: UsageSum,
  currency: string | undefined,
): string {
  if (unpriced === requests && requests > 0) return "no price";
  return `${moneyText(micros, currency)}${unpriced > 0 ? " + no price" : ""}`;
}

/** The use of today and of the month, for `barnacle status`. */
export async function usageText(
  { usage }: Store,
  now: number,
  currency: string | undefined,
): Promise<string> {
  const [day, month] = [await usage.sum(dayOf(now)), await usage.sum(monthStartOf(now))];
  const text = (sum: UsageSum) =>
    `${sum.inputTokens + sum.outputTokens} tokens, ${costOf(sum, currency)}`;
  return `today ${text(day)}; this month ${text(month)} (UTC)`;
}

/**
 * The limits with their use: of the whole bot, and of the agent, guild and person with the most use.
 * Limits of roles are left out: the store does not know who has a role.
 */
export async function budgetUsesIn(
  store: Store,
  budgets: Budgets | undefined,
  now: number,
): Promise<readonly BudgetUseOf[]> {
  if (!budgets) return [];
  const { usage } = store;
  const [day, month] = [dayOf(now), monthStartOf(now)];
  const total = { day: spentOf(await usage.sum(day)), month: spentOf(await usage.sum(month)) };
  const uses: BudgetUseOf[] = [...usesOf("budgets.total", budgets.total, total, budgets)];
  for (
    const [field, path, limits] of [
      ["agent", "budgets.perAgent", budgets.perAgent],
      ["guild", "budgets.perGuild", budgets.perGuild],
      ["user", "budgets.perUser", budgets.perUser],
    ] as const
  ) {
    if (Object.values(limits).every((limit) => limit === undefined)) continue;
    const [today, ofMonth] = [await usage.sumBy(field, day), await usage.sumBy(field, month)];
    const all = ofMonth.filter(({ value }) => value !== "").flatMap((sum) => {
      const now = today.find(({ value }) => value === sum.value);
      const spent = { day: now ? spentOf(now) : NOTHING, month: spentOf(sum) };
      return usesOf(path, limits, spent, budgets).map((use) => ({ ...use, of: sum.value }));
    });
    const names = all.length > 0 ? await namesOf(field, store) : new Map<string, string>();
    for (const rule of new Set(all.map((use) => use.rule))) {
      const own = all.filter((use) => use.rule === rule);
      const most = own.reduce((one, other) => other.used > one.used ? other : one);
      const shown = own.filter((use) => use === most || isSpent(use));
      uses.push(...shown.map((use) => ({ ...use, name: names.get(use.of) })));
    }
  }
  return uses;
}

const NOTHING: Spent = { tokens: 0, micros: 0, audioSec: 0 };

function spentOf({ inputTokens, outputTokens, micros, audioSec, unpriced }: UsageSum): Spent {
  return { tokens: inputTokens + outputTokens, micros, audioSec, unpriced };
}

/** A limit for people: `"Limit budgets.total.tokensPerDay: 9500 of 10000 tokens today (95 %)"`. */
export function limitLine(use: BudgetUseOf, currency: string | undefined): string {
  const percent = use.limit === 0 ? 100 : Math.floor(100 * use.used / use.limit);
  const of = use.of === undefined ? "" : ` (${budgetLabel(use.of, use.name)})`;
  const state = isSpent(use) ? "spent" : `${percent} %`;
  return `Limit ${use.rule}${of}: ${budgetText(use, currency)}, ${state}`;
}
