/**
 * Draws figures over time as SVG on the server, with a time axis, a sentence for people who see the
 * chart, and the figures in words for those who do not.
 */

/** @jsxImportSource hono/jsx */

import type { Trend } from "../../../store/figures.ts";
import { DAY_MS } from "../../../lib/clock.ts";
import { timeText } from "../../../lib/text/units.ts";
import { Time } from "./elements.tsx";
import type { PageView } from "./page.ts";

export interface TrendLine {
  readonly name: string;
  readonly valueOf: (trend: Trend) => number;
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [720, 150, 54, 10, 8];

/** Points of a line: a chart has fewer pixels than a day has minutes. */
const POINTS = 180;

/** A line in numbers, for the caption. */
export interface TrendSummary {
  /** Median of the parts of the time in which it was above 0; 0 if there is none. */
  readonly usual: number;
  /** The highest value. */
  readonly most: number;
  /** When it was highest: Unix time in milliseconds. */
  readonly mostAt: number;
}

/** What a chart shows. */
export interface ChartFacts {
  /** Names it for people who do not see it. */
  readonly title: string;
  readonly trends: readonly Trend[];
  /** Unix time in milliseconds at its left end. */
  readonly from: number;
  /** The same at its right end. */
  readonly to: number;
  /** One or two. */
  readonly lines: readonly TrendLine[];
  /** Writes a value with its unit: `"1.2 s"`. */
  readonly textOf: (value: number) => string;
  /** Says what the chart shows in a sentence; gets a summary for each line. */
  readonly caption: (...summaries: readonly TrendSummary[]) => PageView;
}

/** Moments with a label below the chart, its ends among them. */
const TICKS = 5;

export function TrendChart(facts: ChartFacts): PageView {
  const { title, from, to, lines, textOf, caption } = facts;
  const series = lines.map((line) => ({ ...line, points: pointsOf(facts, line) }));
  const summaries = series.map(({ points }) => summaryOf(points));
  const most = Math.max(1, ...summaries.map((one) => one.most));
  const yOf = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const xOf = (at: number) => LEFT + (WIDTH - LEFT) * (at - from) / (to - from);
  const ticks = Array.from({ length: TICKS }, (_, at) => from + at * (to - from) / (TICKS - 1));
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}. ${
          series.map(({ name }, at) => alternative(name, summaries[at], textOf)).join(" ")
        }`}
      >
        {[0, 1].map((part) => (
          <>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={yOf(part * most)} y2={yOf(part * most)} />
            <text x={LEFT - 6} y={yOf(part * most) + 4} text-anchor="end">
              {textOf(part * most)}
            </text>
          </>
        ))}
        {ticks.map((at) => (
          <line class="grid" x1={xOf(at)} x2={xOf(at)} y1={yOf(0)} y2={yOf(0) + 5} />
        ))}
        {series.map(({ points }, at) => (
          <polyline
            class={at === 0 ? "line" : "line is-second"}
            points={points.map(({ at, value }) => `${xOf(at).toFixed(1)},${yOf(value).toFixed(1)}`)
              .join(" ")}
          />
        ))}
      </svg>
      <p class="axis" aria-hidden="true">
        {ticks.map((at) => <Time at={at} as={to - from > 2 * DAY_MS ? "day" : "clock"} />)}
      </p>
      <figcaption>
        {caption(...summaries)}
        {series.length > 1 && <span class="hint">{` Dashed: ${series[1]?.name}.`}</span>}
      </figcaption>
    </figure>
  );
}

interface TrendPoint {
  readonly at: number;
  readonly value: number;
}

function summaryOf(points: readonly TrendPoint[]): TrendSummary {
  const highest = points.reduce((best, point) => best.value >= point.value ? best : point);
  const above = points.map(({ value }) => value).filter((value) => value > 0)
    .toSorted((one, other) => one - other);
  return {
    usual: above[Math.floor(above.length / 2)] ?? 0,
    most: highest.value,
    mostAt: highest.at,
  };
}

/** A line in words, for people who do not see it. */
function alternative(
  name: string,
  { usual, most, mostAt }: TrendSummary = { usual: 0, most: 0, mostAt: 0 },
  textOf: ChartFacts["textOf"],
): string {
  if (most === 0) return `${capital(name)}: always ${textOf(0)}.`;
  return `${capital(name)}: mostly ${textOf(usual)}, at most ${textOf(most)} at ${
    timeText(mostAt)
  }.`;
}

function capital(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** The largest value of each part of the time; 0 where nothing is recorded. */
function pointsOf(
  { trends, from, to }: ChartFacts,
  { valueOf }: TrendLine,
): readonly TrendPoint[] {
  const step = (to - from) / POINTS;
  const values = new Array<number>(POINTS + 1).fill(0);
  for (const trend of trends) {
    const place = Math.floor((trend.at - from) / step);
    if (place >= 0 && place <= POINTS) {
      values[place] = Math.max(values[place] ?? 0, valueOf(trend));
    }
  }
  return values.map((value, place) => ({ at: from + place * step, value }));
}
