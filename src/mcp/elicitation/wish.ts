/**
 * Reads a server's question to a person: which fields it has, or which page it wants opened; and the
 * filled-in form as the content that the server gets (T13).
 *
 * All of it is the server's, and untrusted. A form must not ask for secrets: its answer stands in
 * the store for a while, as that of any form.
 */

import type { FieldAnswer, FormField } from "../../core/people/form.ts";
import { isRecord } from "../../lib/text/json.ts";

export interface WishedField {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "list";
  /** The field that people see. */
  readonly field: FormField;
  /** Values of the options, in the order of {@link FormField.options}. */
  readonly values: readonly string[];
  /** Value of an empty field; absent: the answer lacks the field. */
  readonly initial?: unknown;
  /** Least number, characters or options; absent: no bound. */
  readonly min?: number;
  /** Most of them; absent: no bound. */
  readonly max?: number;
  /** `"email"`, `"uri"`, `"date"` or `"date-time"`; others are not checked. */
  readonly format?: string;
}

/** A question, or why no person gets it. */
type Wish =
  | { readonly kind: "form"; readonly fields: readonly WishedField[] }
  | { readonly kind: "page"; readonly url: string; readonly host: string }
  | { readonly kind: "refused"; readonly why: string };

/** Maximum number of fields: five pages. */
const MAX_WISHED = 25;
/** Maximum characters of an address: longer ones do not fit on a card. */
const MAX_URL = 1_400;
/** Discord's limits. */
const MAX_LABEL = 45;
const MAX_HINT = 100;
const MAX_OPTIONS = 25;
const SECRET =
  /pass ?(?:word|phrase|code)|secret|token|credential|api.?key|private.?key|\bpin\b|\bcv[vc]\b/i;

export function readWish(params: Readonly<Record<string, unknown>>): Wish {
  return params["mode"] === "url" ? readPage(params["url"]) : readForm(params["requestedSchema"]);
}

function readPage(written: unknown): Wish {
  const url = typeof written === "string" && written.length <= MAX_URL
    ? URL.parse(written) ?? undefined
    : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return refused("its address is no web address");
  if (url.username !== "" || url.password !== "") {
    return refused("its address has a user name, which can hide the host");
  }
  return { kind: "page", url: url.href, host: url.host };
}

function readForm(schema: unknown): Wish {
  const { properties, required }: Readonly<Record<string, unknown>> = isRecord(schema)
    ? schema
    : {};
  const all = isRecord(properties) ? Object.entries(properties) : [];
  if (all.length > MAX_WISHED) return refused(`its form has more than ${MAX_WISHED} fields`);
  const fields: WishedField[] = [];
  for (const [name, property] of all) {
    if (!isRecord(property)) return refused(`its field ${JSON.stringify(name)} cannot be shown`);
    const spaced = name.replace(/([a-z])([A-Z])/g, "$1 $2").replaceAll(/[_-]/g, " ");
    const isSecret = property["format"] === "password" || property["writeOnly"] === true ||
      SECRET.test(`${spaced} ${typeof property["title"] === "string" ? property["title"] : ""}`);
    if (isSecret) return refused(`its field ${JSON.stringify(name)} asks for a secret`);
    const isRequired = Array.isArray(required) && required.includes(name);
    const field = readField(name, property, isRequired);
    if (!field) return refused(`its field ${JSON.stringify(name)} cannot be shown`);
    fields.push(field);
  }
  return { kind: "form", fields };
}

function readField(
  name: string,
  property: Readonly<Record<string, unknown>>,
  isRequired: boolean,
): WishedField | undefined {
  const { type, title, description, minimum, maximum, minLength, maxLength } = property;
  const { minItems, maxItems, format, default: initial } = property;
  const hint = [
    typeof description === "string" ? description : "",
    initial === undefined ? "" : `(default: ${shownDefault(initial)})`,
  ].filter((part) => part !== "").join(" ");
  const common = {
    label: (typeof title === "string" && title !== "" ? title : name).slice(0, MAX_LABEL),
    hint: hint !== "" ? hint.slice(0, MAX_HINT) : undefined,
    isRequired: isRequired && initial === undefined,
  };
  const about = { name, initial };
  const text = { ...common, kind: "text", options: [], max: 1 } as const;
  switch (type) {
    case "boolean":
      return {
        ...about,
        type,
        values: [],
        field: { ...common, kind: "checkbox", options: [], max: 1, isChecked: initial === true },
      };
    case "integer":
    case "number":
      return { ...about, type, values: [], field: text, ...limits(minimum, maximum) };
    case "string": {
      const options = optionsOf(property);
      if (!options) {
        const known = typeof format === "string" && { format };
        return {
          ...about,
          type,
          values: [],
          field: text,
          ...limits(minLength, maxLength),
          ...known,
        };
      }
      return {
        ...about,
        type,
        values: options.values,
        field: { ...common, kind: "select", options: options.labels, max: 1 },
      };
    }
    case "array": {
      const options = isRecord(property["items"]) ? optionsOf(property["items"]) : undefined;
      if (!options) return undefined;
      const max = typeof maxItems === "number"
        ? Math.min(maxItems, options.values.length)
        : options.values.length;
      return {
        ...about,
        type: "list",
        values: options.values,
        // Discord shows no form with half a choice.
        field: {
          ...common,
          kind: "select",
          options: options.labels,
          max: Math.max(1, Math.floor(max)),
        },
        ...limits(minItems, maxItems),
      };
    }
    default:
      return undefined;
  }
}

/** An object may refuse to become a text. */
function shownDefault(initial: unknown): string {
  return typeof initial === "object" ? JSON.stringify(initial) : String(initial);
}

/** @returns `undefined` if there are none, or too many for a menu. */
function optionsOf(
  { enum: values, enumNames, oneOf, anyOf }: Readonly<Record<string, unknown>>,
): { readonly values: readonly string[]; readonly labels: readonly string[] } | undefined {
  const titled = Array.isArray(oneOf) ? oneOf : Array.isArray(anyOf) ? anyOf : undefined;
  const pairs = titled
    ? titled.map((one): readonly [unknown, unknown] =>
      isRecord(one) ? [one["const"], one["title"]] : [undefined, undefined]
    )
    : Array.isArray(values)
    ? values.map((value, at): readonly [unknown, unknown] => [
      value,
      Array.isArray(enumNames) ? enumNames[at] : value,
    ])
    : [];
  const strings = pairs.flatMap(([value, label]) =>
    typeof value === "string"
      ? [{ value, label: typeof label === "string" && label !== "" ? label : value }]
      : []
  );
  const fits = strings.length === pairs.length && strings.length > 0 &&
    strings.length <= MAX_OPTIONS;
  return fits
    ? {
      values: strings.map(({ value }) => value),
      labels: strings.map(({ label }) => label.slice(0, MAX_HINT)),
    }
    : undefined;
}

function limits(min: unknown, max: unknown): Pick<WishedField, "min" | "max"> {
  return {
    min: typeof min === "number" ? min : undefined,
    max: typeof max === "number" ? max : undefined,
  };
}

function refused(why: string): Wish {
  return { kind: "refused", why };
}

/** Reads the answers, one for each field. */
export function contentOf(
  fields: readonly WishedField[],
  answers: readonly FieldAnswer[],
): {
  /** The values by field. */
  readonly content: Readonly<Record<string, unknown>>;
  /** One sentence for each value that does not fit; empty if all do. */
  readonly problems: readonly string[];
} {
  const content: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [at, field] of fields.entries()) {
    const value = valueOf(field, answers[at]) ?? field.initial;
    if (value === undefined) continue;
    const problem = problemOf(field, value);
    if (problem === undefined) content[field.name] = value;
    else problems.push(`- ${field.field.label}: ${problem}`);
  }
  return { content, problems };
}

/** @returns `undefined` for an empty field. */
function valueOf({ type, values }: WishedField, answer: FieldAnswer | undefined): unknown {
  switch (answer?.kind) {
    case "text": {
      const text = answer.text.trim();
      if (text === "") return undefined;
      return type === "integer" || type === "number" ? Number(text.replace(",", ".")) : answer.text;
    }
    case "checked":
      return answer.isChecked;
    case "picked": {
      const picked = answer.picked.flatMap((index) => values[index] ?? []);
      if (picked.length === 0) return undefined;
      return type === "list" ? picked : picked[0];
    }
    default:
      return undefined;
  }
}

function problemOf({ type, min, max, format }: WishedField, value: unknown): string | undefined {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "this is no number";
    if (type === "integer" && !Number.isInteger(value)) return "a whole number, please";
    return outside(value, min, max, "");
  }
  if (Array.isArray(value)) return outside(value.length, min, max, " choices");
  if (typeof value !== "string" || type !== "string") return undefined;
  const matches = format === undefined || (FORMATS[format]?.(value) ?? true);
  return matches ? outside(value.length, min, max, " characters") : `this is no ${format}`;
}

function outside(
  figure: number,
  min = -Infinity,
  max = Infinity,
  unit: string,
): string | undefined {
  if (figure < min) return `at least ${min}${unit}`;
  return figure > max ? `at most ${max}${unit}` : undefined;
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  email: (text) => /^[^\s@]+@[^\s@]+$/.test(text),
  uri: (text) => URL.canParse(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  "date-time": (text) => !Number.isNaN(Date.parse(text)),
};
