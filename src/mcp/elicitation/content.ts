/**
 * Reads a filled-in page of a server's form as the content that the server gets (T13).
 *
 * @module
 */

import type { FieldAnswer } from "../../core/people/form.ts";
import type { WishedField } from "./wish.ts";

/** The content of a page, and the problems of its fields in words for the person. */
export interface PageContent {
  /** The values by field. */
  readonly content: Readonly<Record<string, unknown>>;
  /** One sentence for each value that does not fit; empty if all do. */
  readonly problems: readonly string[];
}

/** Reads the answers, one for each field. */
export function contentOf(
  fields: readonly WishedField[],
  answers: readonly FieldAnswer[],
): PageContent {
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
