/** The page Spend: limits, and one table by day, agent, place, person or model (L5, X4). */

/** @jsxImportSource hono/jsx */

import { budgetLabel, type BudgetUseOf } from "../../../core/spending/budget.ts";
import type { UsageSum } from "../../../store/usage/usage.ts";
import { budgetUsesIn, costOf, limitLine, usageBy, type UsageRow } from "../../model/usage.ts";
import { Card, Choice, Command, type PageView, QueryForm } from "../base/elements.tsx";
import type { Served } from "../../../cli/run/served_parts.ts";

const FIELDS = {
  day: "Day",
  agent: "Agent",
  guild: "Server",
  channel: "Channel",
  user: "Person",
  model: "Model",
} as const;

type SpendField = keyof typeof FIELDS;

/** The periods that a person may choose, in UTC days with today. */
const PERIODS: readonly number[] = [7, 30, 90];

const DEFAULT_DAYS = 30;

/** Most rows of the table: a page stays small, also of a large server. */
const MAX_ROWS = 100;

/** Shows use and limits of the models. */
export async function spendPage(
  { store, setup: { config } }: Served,
  query: URLSearchParams,
): Promise<PageView> {
  const asked = Number(query.get("days"));
  const days = PERIODS.includes(asked) ? asked : DEFAULT_DAYS;
  const field = query.get("by") ?? "";
  const by = Object.hasOwn(FIELDS, field) ? field as SpendField : "day";
  const at = Date.now();
  const { budgets, models: { currency } } = config;
  const { rows, total } = await usageBy(by, days, store, at);
  return (
    <>
      <Limits limits={await budgetUsesIn(store, budgets, at)} currency={currency} />
      <section class="card" aria-label="Choice">
        <QueryForm to="spend" label="Show">
          <Choice name="by" label="By" value={by} options={Object.entries(FIELDS)} />
          <Choice
            name="days"
            label="Period"
            value={String(days)}
            options={PERIODS.map((days) => [String(days), `${days} days`])}
          />
        </QueryForm>
      </section>
      <Sums by={by} rows={rows} total={total} currency={currency} days={days} />
    </>
  );
}

function Limits(
  { limits, currency }: { limits: readonly BudgetUseOf[]; currency: string | undefined },
): PageView {
  return (
    <Card id="limits" title="Limits">
      {limits.length === 0 && <p class="empty">No limits.</p>}
      {limits.map((use) => {
        const line = limitLine(use, currency);
        return (
          <div>
            <p>{line}</p>
            <meter
              aria-label={line}
              min={0}
              max={Math.max(use.limit, 1)}
              high={use.limit * 0.8}
              value={Math.min(use.used, use.limit)}
            />
          </div>
        );
      })}
      <p class="hint">
        By direct message to the bot: <code>/settings budget</code>. All limits: the key{" "}
        <code>budgets</code>.
      </p>
    </Card>
  );
}

function Sums({ by, rows, total, currency, days }: {
  by: SpendField;
  rows: readonly UsageRow[];
  total: UsageSum;
  currency: string | undefined;
  days: number;
}): PageView {
  const title = `Last ${days} days by ${FIELDS[by].toLowerCase()}`;
  return (
    <Card id="sums" title={title}>
      {rows.length === 0
        ? <p class="empty">{`No model was asked in the last ${days} days.`}</p>
        : (
          <table>
            <caption class="hidden">{title}</caption>
            <thead>
              <tr>
                {[FIELDS[by], "Requests", "Tokens", "Cost"].map((one) => <th scope="col">{one}
                </th>)}
              </tr>
            </thead>
            <tbody>
              <Sum label="Total" sum={total} currency={currency} />
              {rows.slice(0, MAX_ROWS).map(({ value, name, ...sum }) => (
                <Sum label={budgetLabel(value, name)} sum={sum} currency={currency} />
              ))}
            </tbody>
          </table>
        )}
      <Command>{`barnacle usage --by ${by} --days ${days}`}</Command>
    </Card>
  );
}

function Sum(
  { label, sum, currency }: { label: string; sum: UsageSum; currency: string | undefined },
): PageView {
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{sum.requests}</td>
      <td>{sum.inputTokens + sum.outputTokens}</td>
      <td>{costOf(sum, currency)}</td>
    </tr>
  );
}
