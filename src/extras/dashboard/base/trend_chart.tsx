/**
 * Draws figures over time as SVG on the server. Each chart has a summary in words, which screen readers
 * read instead of it.
 */

/** @jsxImportSource hono/jsx */

import type { Trend } from "../../../store/figures.ts";
import { Time } from "./elements.tsx";
import type { PageView } from "./page.ts";

/** A line of a chart. */
export interface TrendLine {
  readonly name: string;
  readonly valueOf: (trend: Trend) => number;
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [720, 160, 54, 10, 22];

/** Points of a line: a chart has fewer pixels than a day has minutes. */
const POINTS = 180;

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
  /** Writes a value: `"1.2 s"`. */
  readonly textOf: (value: number) => string;
}

/** The chart. */
export function TrendChart(facts: ChartFacts): PageView {
  const { title, from, to, lines, textOf } = facts;
  const series = lines.map((line) => ({ ...line, points: pointsOf(facts, line) }));
  const most = Math.max(1, ...series.flatMap(({ points }) => points.map(({ value }) => value)));
  const yOf = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const xOf = (at: number) => LEFT + (WIDTH - LEFT) * (at - from) / (to - from);
  return (
    <figure class="chart" aria-label={title}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
        {[0, 1].map((part) => (
          <>
            <line class="grid" x1={LEFT} x2={WIDTH} y1={yOf(part * most)} y2={yOf(part * most)} />
            <text x={LEFT - 6} y={yOf(part * most) + 4} text-anchor="end">
              {textOf(part * most)}
            </text>
          </>
        ))}
        {series.map(({ points }, at) => (
          <polyline
            class={at === 0 ? "line" : "line is-second"}
            points={points.map(({ at, value }) => `${xOf(at).toFixed(1)},${yOf(value).toFixed(1)}`)
              .join(" ")}
          />
        ))}
      </svg>
      <figcaption>
        {series.map(({ name, points }) => <Summary name={name} points={points} textOf={textOf} />)}
        From <Time at={from} /> to <Time at={to} />
        {series.length > 1 && `; dashed: ${series[1]?.name}`}.
      </figcaption>
    </figure>
  );
}

interface TrendPoint {
  readonly at: number;
  readonly value: number;
}

/** A line in words: how high it was, when it was highest, and where it ends. */
function Summary(
  { name, points, textOf }: Pick<TrendLine, "name"> & Pick<ChartFacts, "textOf"> & {
    points: readonly TrendPoint[];
  },
): PageView {
  const highest = points.reduce<TrendPoint | undefined>(
    (best, point) => best && best.value >= point.value ? best : point,
    undefined,
  );
  if (!highest || highest.value === 0) return <>{`${capital(name)}: always ${textOf(0)}. `}</>;
  return (
    <>
      {`${capital(name)}: at most ${textOf(highest.value)} (`}
      <Time at={highest.at} />
      {`), at the end ${textOf(points.at(-1)?.value ?? 0)}. `}
    </>
  );
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
