/**
 * Counters, gauges and histograms, and the text in which Prometheus reads them.
 *
 * The usual library (prom-client) took 4 MB and 5 ms, for a page of arithmetic. The compiled
 * program has 55 MB and 60 ms to spend. So this is ours. The number of series is bounded: a wrong
 * label cannot fill the memory.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 */

/** Maximum number of separate series per metric; further ones count together as `"other"`. */
export const SERIES_MAX = 100;

/** The value of each label, by the label's name. */
export type Labels<Name extends string> = Readonly<Record<Name, string>>;

/** The values of a metric's labels, by name; left out for a metric without labels. */
export type LabelsArgument<Name extends string> = [Name] extends [never] ? []
  : [labels: Labels<Name>];

/** A number that only grows while the process lives. `Name` lists its labels. */
export interface Counter<Name extends string = never> {
  inc(...labels: LabelsArgument<Name>): void;
  /**
   * Adds a number, which need not be whole.
   *
   * @throws {RangeError} If `by` is negative or NaN.
   */
  add(by: number, ...labels: LabelsArgument<Name>): void;
}

/** Counts observed values by size, with their sum. `Name` lists its labels. */
export interface Histogram<Name extends string = never> {
  /** Counts one value, in the unit that the metric's name states. */
  observe(value: number, ...labels: LabelsArgument<Name>): void;
}

/** A value of a gauge, and its labels if it has some. */
export type Sample<Name extends string> = readonly [
  value: number,
  ...labels: LabelsArgument<Name>,
];

/** All metrics of the process. `Readings` is what gauges are read off. */
export interface Registry<Readings> {
  counter<const Name extends string = never>(spec: Spec<Name>): Counter<Name>;
  /** Adds a metric whose samples are read anew for each text, so none gets outdated. */
  gauge<const Name extends string = never>(
    spec: Spec<Name>,
    read: (readings: Readings) => readonly Sample<Name>[],
  ): void;
  /** @param spec `buckets` holds upper bounds in rising order; `+Inf` is added. */
  histogram<const Name extends string = never>(
    spec: Spec<Name> & { readonly buckets: readonly number[] },
  ): Histogram<Name>;
  /** Writes all metrics in Prometheus' text format, in the order of their creation. */
  text(readings: Readings): string;
}

export interface Spec<Name extends string> {
  /** Full name with its unit, in snake case: `"barnacle_start_time_seconds"`. */
  readonly name: string;
  /** One sentence for the operator, written to `# HELP`. */
  readonly help: string;
  /** Names of its labels; absent for a metric without labels. */
  readonly labels?: readonly Name[];
}

type LabelValues = Readonly<Record<string, string>>;

export function createRegistry<Readings>(): Registry<Readings> {
  const families: ((readings: Readings) => readonly string[])[] = [];

  function add(
    { name, help }: Spec<string>,
    type: "counter" | "gauge" | "histogram",
    lines: (readings: Readings) => readonly string[],
  ): void {
    families.push((readings) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...lines(readings),
    ]);
  }

  return {
    counter(spec) {
      const { seriesOf, all } = createSeries(spec.labels, () => ({ value: 0 }));
      add(
        spec,
        "counter",
        () => all().map(([labels, { value }]) => `${spec.name}${braced(labels)} ${value}`),
      );
      const grow = (by: number, labels?: LabelValues) => {
        if (!(by >= 0)) throw new RangeError(`Cannot add ${by} to the counter ${spec.name}`);
        seriesOf(labels).value += by;
      };
      return { inc: (labels?) => grow(1, labels), add: (by, labels?) => grow(by, labels) };
    },
    gauge(spec, read) {
      const { name, labels = [] } = spec;
      add(
        spec,
        "gauge",
        (readings) =>
          read(readings).map(([value, values]) =>
            `${name}${braced(textOf(labels, values))} ${value}`
          ),
      );
    },
    histogram(spec) {
      const { name, buckets, labels } = spec;
      const { seriesOf, all } = createSeries(
        labels,
        () => ({ counts: buckets.map(() => 0), count: 0, sum: 0 }),
      );
      add(spec, "histogram", () =>
        all().flatMap(([text, { counts, count, sum }]) => [
          ...buckets.map((bound, i) =>
            `${name}_bucket${braced(text, `le="${bound}"`)} ${counts[i] ?? 0}`
          ),
          `${name}_bucket${braced(text, 'le="+Inf"')} ${count}`,
          `${name}_sum${braced(text)} ${sum}`,
          `${name}_count${braced(text)} ${count}`,
        ]));
      return {
        observe(value, values?) {
          const series = seriesOf(values);
          // Cumulative, as the text has it: a value counts in every bucket it fits. The bounds rise.
          for (let i = buckets.length - 1; i >= 0 && value <= (buckets[i] ?? 0); i--) {
            series.counts[i] = (series.counts[i] ?? 0) + 1;
          }
          series.count++;
          series.sum += value;
        },
      };
    },
    text: (readings) => families.map((lines) => `${lines(readings).join("\n")}\n`).join(""),
  };
}

/** Creates the series of one metric, by the text of their labels. */
function createSeries<Series>(labels: readonly string[] = [], create: () => Series) {
  const known = new Map<string, Series>();

  function seriesOf(values?: LabelValues): Series {
    const own = textOf(labels, values);
    const text = known.has(own) || known.size < SERIES_MAX
      ? own
      : textOf(labels, Object.fromEntries(labels.map((label) => [label, "other"])));
    const series = known.get(text) ?? create();
    known.set(text, series);
    return series;
  }

  if (labels.length === 0) seriesOf(); // a metric without labels exists from the start
  return { seriesOf, all: (): readonly (readonly [text: string, series: Series])[] => [...known] };
}

function textOf(labels: readonly string[], values?: LabelValues): string {
  return labels.map((label) => `${label}="${escaped(values?.[label] ?? "")}"`).join(",");
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function braced(...labels: readonly string[]): string {
  const text = labels.filter((label) => label !== "").join(",");
  return text === "" ? "" : `{${text}}`;
}
