/**
 * `barnacle usage`: shows tokens, money and time of the models, by day, person, place, model or
 * purpose (L5).
 */

import { DAY_MS } from "../../lib/clock.ts";
import { dayOf } from "../../core/spending/usage.ts";
import { moneyText } from "../../render/cost.ts";
import { inColumns } from "../shared/columns.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import { withStore } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import type { Store } from "../../core/store/store.ts";
import type { UsageField, UsageSum } from "../../core/store/usage.ts";

/** Options of `usage`. */
export interface UsageFlags extends CommonFlags {
  /** Field whose values are listed. */
  readonly by: UsageField;
  /** Number of UTC days, today included. */
  readonly days: number;
}

/** Lists the sums. */
export function showUsage({ by, days, ...flags }: UsageFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ usage }) => {
    const from = dayOf(Date.now()) - days + 1;
    const rows = (await usage.sumBy(by, from)).map(({ value, ...sum }) => ({
      value: by === "day" ? new Date(Number(value) * DAY_MS).toISOString().slice(0, 10) : value,
      ...sum,
    }));
    const total = await usage.sum(from);
    if (flags.json) {
      io.out(JSON.stringify({ days, rows, total }));
      return EXIT.done;
    }
    if (rows.length === 0) {
      io.err(`No model was asked in the last ${days} days.`);
      return EXIT.done;
    }
    const head = [by, "requests", "input", "cached", "output", "money", "seconds"];
    const lines = rows.map((row) => cellsOf(row.value || "–", row));
    for (const line of inColumns([head, ...lines, cellsOf("total", total)])) io.out(line);
    if (total.unpriced > 0) {
      io.err(
        `${total.unpriced} requests have no price: their money is not known. ` +
          "Set models.providers.<provider>.prices.",
      );
    }
    return EXIT.done;
  });
}

function cellsOf(value: string, sum: UsageSum): readonly string[] {
  const { requests, inputTokens, cachedTokens, outputTokens, ms } = sum;
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  return [
    value,
    String(requests),
    String(inputTokens),
    `${cached} %`,
    String(outputTokens),
    moneyOf(sum),
    (ms / 1_000).toFixed(1),
  ];
}

function moneyOf({ micros, requests, unpriced }: UsageSum): string {
  if (unpriced === requests && requests > 0) return "unknown";
  return `${moneyText(micros)}${unpriced > 0 ? " + unknown" : ""}`;
}

/** One line of the use of today and of the month, for `barnacle status`. */
export async function usageLine({ usage }: Pick<Store, "usage">, now: number): Promise<string> {
  const today = dayOf(now);
  const monthStart = dayOf(Date.UTC(new Date(now).getUTCFullYear(), new Date(now).getUTCMonth()));
  const [day, month] = [await usage.sum(today), await usage.sum(monthStart)];
  const text = (sum: UsageSum) =>
    `${sum.inputTokens + sum.outputTokens} tokens, money ${moneyOf(sum)}`;
  return `Models: today ${text(day)}; this month ${text(month)} (UTC)`;
}
