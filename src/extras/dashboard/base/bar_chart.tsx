/** A chart with bars as SVG: without script and without inline style, which the page allows none of. */

/** @jsxImportSource hono/jsx */

import type { PageView } from "./page.ts";

export interface Bar {
  /** Below the chart, and in its tooltip. */
  readonly name: string;
  /** Decides the height. */
  readonly value: number;
}

const [WIDTH, HEIGHT, LEFT, BELOW] = [720, 150, 4, 20];

/** Draws bars from the left to the right; the first and the last one are named. */
export function BarChart(
  { label, unit, bars }: { label: string; unit: string; bars: readonly Bar[] },
): PageView {
  const highest = bars.toSorted((one, other) => other.value - one.value)[0];
  const most = Math.max(1, highest?.value ?? 0);
  const step = (WIDTH - LEFT) / Math.max(1, bars.length);
  const room = HEIGHT - BELOW;
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <line class="grid" x1={0} x2={WIDTH} y1={room} y2={room} />
        {bars.map(({ name, value }, at) => {
          const height = value === 0 ? 0 : Math.max(1, (room - 14) * value / most);
          return (
            <rect
              class="bar"
              x={(LEFT + at * step).toFixed(1)}
              y={(room - height).toFixed(1)}
              width={Math.max(1, step - 2).toFixed(1)}
              height={height.toFixed(1)}
            >
              <title>{`${name}: ${value} ${unit}`}</title>
            </rect>
          );
        })}
        <text x={LEFT} y={10}>{`${most} ${unit}`}</text>
        <text x={LEFT} y={HEIGHT - 4}>{bars[0]?.name}</text>
        <text x={WIDTH} y={HEIGHT - 4} text-anchor="end">{bars.at(-1)?.name}</text>
      </svg>
      <figcaption>
        {highest && highest.value > 0
          ? `Most: ${highest.value} ${unit} on ${highest.name}.`
          : `No ${unit}.`}
      </figcaption>
    </figure>
  );
}
