/** The page Spend: tokens and money by day, agent, place and person, as of `barnacle usage` (L5, X4). */

/** @jsxImportSource hono/jsx */

import { type BudgetUseOf, labelOf } from "../../../core/spending/budget.ts";
import type { UsageField, UsageSum } from "../../../store/usage/usage.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import { budgetUsesIn, costOf, limitLine, usageBy, type UsageRow } from "../../model/exports.ts";
import { Card, Choice, Command, QueryForm, Table } from "../base/elements.tsx";
import { type AnyPage, page, type PageView } from "../base/page.ts";
import { BarChart } from "../base/bar_chart.tsx";

/** The fields of the page, each with a table of its own. */
const FIELDS = [
  "day",
  "agent",
  "guild",
  "channel",
  "user",
  "model",
] as const satisfies UsageField[];

type SpendField = typeof FIELDS[number];

/** The periods that a person may choose, in UTC days with today. */
const PERIODS: readonly number[] = [7, 30, 90];

const DEFAULT_DAYS = 30;

interface SpendFacts {
  readonly days: number;
  readonly currency: string | undefined;
  readonly rows: Readonly<Record<SpendField, readonly UsageRow[]>>;
  readonly total: UsageSum;
  readonly limits: readonly BudgetUseOf[];
  /** Today as `2026-11-27`, in UTC. */
  readonly today: string;
}

const TITLES: Readonly<Record<SpendField, string>> = {
  day: "By day",
  agent: "By agent",
  guild: "By server",
  channel: "By channel",
  user: "By person",
  model: "By model",
};

/** Shows use and limits of the models. */
export const spendPage: AnyPage = page<SpendFacts>({
  async load({ store, setup, now }, query) {
    const asked = Number(query.get("days"));
    const days = PERIODS.includes(asked) ? asked : DEFAULT_DAYS;
    const at = now();
    const { budgets, models: { currency } } = setup().config;
    const by = (field: UsageField) => usageBy(field, days, store, at);
    const [day, agent, guild, channel, user, model] = await Promise.all([
      by("day"),
      by("agent"),
      by("guild"),
      by("channel"),
      by("user"),
      by("model"),
    ]);
    return {
      days,
      currency,
      rows: {
        day: day.rows,
        agent: agent.rows,
        guild: guild.rows,
        channel: channel.rows,
        user: user.rows,
        model: model.rows,
      },
      total: day.total,
      limits: await budgetUsesIn(store, budgets, at),
      today: new Date(at).toISOString().slice(0, 10),
    };
  },
  view: (facts) => (
    <>
      <section class="is-wide">
        <QueryForm to="spend" label="Show">
          <Choice
            name="days"
            label="Period"
            value={String(facts.days)}
            options={PERIODS.map((days) => [String(days), `${days} days`])}
          />
        </QueryForm>
      </section>
      <Limits {...facts} />
      <Days {...facts} />
      {FIELDS.map((field) => (
        <Card id={`by-${field}`} title={TITLES[field]}>
          <Sums field={field} {...facts} />
          <p class="hint">
            <Command>{`barnacle usage --by ${field} --days ${facts.days}`}</Command>
          </p>
        </Card>
      ))}
    </>
  ),
});

function Limits({ limits, currency }: SpendFacts): PageView {
  return (
    <Card id="limits" title="Limits">
      {limits.length === 0 && (
        <p class="empty">
          No limits. Set <code>budgets.total.tokensPerDay</code> or another key of{" "}
          <code>budgets</code>.
        </p>
      )}
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
    </Card>
  );
}

function Days({ rows, days, today, total, currency }: SpendFacts): PageView {
  const tokens = new Map(rows.day.map((row) => [row.value, tokensOf(row)]));
  const all = daysUpTo(today, days);
  return (
    <Card id="days" title={`Tokens of the last ${days} days`}>
      <BarChart
        unit="tokens"
        label={`Tokens a day from ${all[0]} to ${today}`}
        bars={all.map((day) => ({ name: day, value: tokens.get(day) ?? 0 }))}
      />
      <p>
        {`${tokensOf(total)} tokens in ${total.requests} requests, ${costOf(total, currency)}`}
      </p>
    </Card>
  );
}

/** The days up to today, the oldest first. */
function daysUpTo(today: string, days: number): readonly string[] {
  const last = Date.parse(today);
  return Array.from(
    { length: days },
    (_, at) => new Date(last - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
}

function Sums(
  { field, rows, total, currency, days }: SpendFacts & { field: SpendField },
): PageView {
  const cells = (label: string, sum: UsageSum) => [
    label,
    String(sum.requests),
    String(sum.inputTokens),
    String(sum.outputTokens),
    costOf(sum, currency),
    (sum.ms / 1_000).toFixed(1),
  ];
  const all = rows[field];
  return (
    <Table
      caption={TITLES[field]}
      empty={`No model was asked in the last ${days} days.`}
      head={[field === "user" ? "person" : field, "requests", "input", "output", "cost", "seconds"]}
      rows={[
        ...(all.length > 1 ? [cells("total", total)] : []),
        ...all.map(({ value, name, ...sum }) => cells(labelOf(value, name), sum)),
      ]}
    />
  );
}

function tokensOf({ inputTokens, outputTokens }: UsageSum): number {
  return inputTokens + outputTokens;
}
