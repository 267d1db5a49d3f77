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

const OTHER = "other";

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

/** A number that can rise and fall. `Name` lists its labels. */
export interface Gauge<Name extends string = never> {
  set(value: number, ...labels: LabelsArgument<Name>): void;
  /** Removes all series, so that no outdated value is shown. */
  clear(): void;
}

/** Counts observed values by size, with their sum. `Name` lists its labels. */
export interface Histogram<Name extends string = never> {
  /**
   * Counts one value, in the unit that the metric's name states.
   *
   * @throws {RangeError} If `value` is NaN.
   */
  observe(value: number, ...labels: LabelsArgument<Name>): void;
}

/** All metrics of the process. Each metric's name is unique in it. */
export interface Registry {
  /**
   * Adds a counter.
   *
   * @throws {SyntaxError} If the name has characters other than `a-z`, `0-9` and `_`, or starts
   * with a digit.
   * @throws {RangeError} If a metric of that name exists.
   */
  counter<const Name extends string = never>(spec: Spec<Name>): Counter<Name>;
  /** Adds a gauge. Throws as {@link Registry.counter} does. */
  gauge<const Name extends string = never>(spec: Spec<Name>): Gauge<Name>;
  /**
   * Adds a histogram. Throws as {@link Registry.counter} does.
   *
   * @param spec `buckets` holds upper bounds in rising order; `+Inf` is added.
   */
  histogram<const Name extends string = never>(
    spec: Spec<Name> & { readonly buckets: readonly number[] },
  ): Histogram<Name>;
  /** Writes all metrics in Prometheus' text format, in the order of their creation. */
  text(): string;
}

export interface Spec<Name extends string> {
  /** Full name with its unit, in snake case: `"barnacle_start_time_seconds"`. */
  readonly name: string;
  /** One sentence for the operator, written to `# HELP`. */
  readonly help: string;
  /** Names of its labels; absent for a metric without labels. */
  readonly labels?: readonly Name[];
}

export function createRegistry(): Registry {
  const names = new Set<string>();
  const families: { readonly text: () => string }[] = [];

  /** Adds a metric, and gives its series by their labels. */
  const family = <Series>(
    { name, help, labels = [] }: Spec<string>,
    type: "counter" | "gauge" | "histogram",
    create: () => Series,
    lines: (series: Series, labels: string) => readonly string[],
  ) => {
    if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new SyntaxError(`No name for a metric: ${name}`);
    if (names.has(name)) throw new RangeError(`There is a metric ${name} already`);
    names.add(name);
    const all = createSeries(labels, create);
    families.push({
      text: () =>
        [
          `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
          `# TYPE ${name} ${type}`,
          ...all.list().flatMap(([text, series]) => lines(series, text)),
        ].join("\n"),
    });
    if (labels.length === 0) all.of(); // a metric without labels exists from the start
    return { seriesOf: all.of, clear: all.clear };
  };

  const scalar = (spec: Spec<string>, type: "counter" | "gauge") =>
    family(spec, type, () => ({ value: 0 }), ({ value }, labels) => [
      `${spec.name}${braced(labels)} ${numberText(value)}`,
    ]);

  return {
    counter(spec) {
      const { seriesOf } = scalar(spec, "counter");
      const add = (by: number, labels?: Readonly<Record<string, string>>) => {
        if (!(by >= 0)) throw new RangeError(`Cannot add ${by} to the counter ${spec.name}`);
        seriesOf(labels).value += by;
      };
      return { inc: (labels?) => add(1, labels), add: (by, labels?) => add(by, labels) };
    },
    gauge(spec) {
      const { seriesOf, clear } = scalar(spec, "gauge");
      return { set: (value, labels?) => void (seriesOf(labels).value = value), clear };
    },
    histogram(spec) {
      const { name, buckets } = spec;
      const { seriesOf } = family(
        spec,
        "histogram",
        () => ({ counts: buckets.map(() => 0), count: 0, sum: 0 }),
        ({ counts, count, sum }, labels) => [
          ...buckets.map((bound, i) =>
            `${name}_bucket${braced(labels, `le="${numberText(bound)}"`)} ${counts[i] ?? 0}`
          ),
          `${name}_bucket${braced(labels, 'le="+Inf"')} ${count}`,
          `${name}_sum${braced(labels)} ${numberText(sum)}`,
          `${name}_count${braced(labels)} ${count}`,
        ],
      );
      return {
        observe(value, labels?) {
          if (Number.isNaN(value)) throw new RangeError(`Cannot observe NaN in ${name}`);
          const series = seriesOf(labels);
          // Cumulative, as the text has it: a value counts in every bucket it fits. The bounds rise.
          for (let i = buckets.length - 1; i >= 0 && value <= (buckets[i] ?? 0); i--) {
            series.counts[i] = (series.counts[i] ?? 0) + 1;
          }
          series.count++;
          series.sum += value;
        },
      };
    },
    text: () => families.map((each) => `${each.text()}\n`).join(""),
  };
}

/** The series by the values of their labels: one step for each label. */
interface Branch<Series> {
  /** Set behind the last label. */
  series: Series | undefined;
  readonly next: Map<string, Branch<Series>>;
}

function createBranch<Series>(): Branch<Series> {
  return { series: undefined, next: new Map() };
}

/** Creates the series of one metric; there are none at first. */
function createSeries<Series>(labels: readonly string[], create: () => Series) {
  let all: (readonly [labels: string, series: Series])[] = [];
  let known = createBranch<Series>();

  function add(values: Readonly<Record<string, string>> | undefined): Series {
    const isFull = all.length >= SERIES_MAX;
    const valueOf = (label: string) => isFull ? OTHER : values?.[label] ?? "";
    let branch = known;
    for (const label of labels) {
      const value = valueOf(label);
      const next = branch.next.get(value) ?? createBranch();
      branch.next.set(value, next);
      branch = next;
    }
    if (branch.series !== undefined) return branch.series;
    const series = branch.series = create();
    all.push([labels.map((label) => `${label}="${escaped(valueOf(label))}"`).join(","), series]);
    return series;
  }

  return {
    /** The series of these values. Called for each counted event, so it makes no text. */
    of(values?: Readonly<Record<string, string>>): Series {
      let branch: Branch<Series> | undefined = known;
      for (const label of labels) branch = branch?.next.get(values?.[label] ?? "");
      return branch?.series ?? add(values);
    },
    /** All series, each with the text of its labels, in the order of their creation. */
    list: (): readonly (readonly [labels: string, series: Series])[] => all,
    clear(): void {
      all = [];
      known = createBranch();
    },
  };
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function braced(...labels: readonly string[]): string {
  const text = labels.filter((label) => label !== "").join(",");
  return text === "" ? "" : `{${text}}`;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}
