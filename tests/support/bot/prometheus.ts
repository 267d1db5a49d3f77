/**
 * Reads Prometheus' text format, and rejects anything else.
 *
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/}
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** @throws {SyntaxError} With the wrong line. */
export function parsePrometheus(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new SyntaxError("The last line does not end");
  const families = new Map<string, Family & { samples: Sample[] }>();
  const seen = new Set<string>();
  let help: readonly [name: string, text: string] | undefined;
  let family: readonly [name: string, family: Family & { samples: Sample[] }] | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const wrong = (why: string) => new SyntaxError(`${why}: ${line}`);
    const [, helped, about] = /^# HELP ([a-z_][a-z0-9_]*) (.+)$/.exec(line) ?? [];
    if (helped !== undefined) {
      help = [helped, about!];
      continue;
    }
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (typed !== undefined) {
      if (help?.[0] !== typed) throw wrong("A type without help before it");
      if (families.has(typed)) throw wrong("A repeated metric");
      family = [typed, { type: type!, help: help[1], samples: [] }];
      families.set(...family);
      continue;
    }
    const [, name, inner = "", number] = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/s.exec(line) ??
      [];
    if (name === undefined || !family) throw wrong("Neither comment nor sample");
    const [of, { type: kind, samples }] = family;
    const suffix = name.slice(of.length);
    const mayBe = kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    if (!name.startsWith(of) || !mayBe.includes(suffix)) throw wrong("A sample of another metric");
    if (kind === "counter" && !name.endsWith("_total")) throw wrong("A counter without _total");
    if (seen.has(line.slice(0, line.lastIndexOf(" ")))) {
      throw wrong("A repeated series");
    }
    seen.add(line.slice(0, line.lastIndexOf(" ")));
    const value = number === "+Inf" ? Infinity : Number(number);
    if (Number.isNaN(value)) throw wrong("No number");
    samples.push({ name, labels: labelsOf(inner, wrong), value });
  }
  return families;
}

function labelsOf(text: string, wrong: (why: string) => Error): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const label = /^([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/s.exec(rest);
    if (!label) throw wrong("Malformed labels");
    if (label[1]! in labels) throw wrong("A repeated label");
    labels[label[1]!] = label[2]!.replace(/\\(.)/g, (_, letter) => letter === "n" ? "\n" : letter);
    rest = rest.slice(label[0].length);
    if (rest === "" && label[3] === ",") throw wrong("A comma at the end");
  }
  return labels;
}
