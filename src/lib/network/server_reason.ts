/**
 * Reads why a server refused a request, from each form in which servers write it.
 *
 * The forms have no common schema, so one rule reads all: the texts under known keys, at any depth.
 * Other keys may repeat the request.
 */

import { parseForeignJson } from "../text/quoted.ts";
import { durationOf } from "../text/units.ts";

/** Keys with a reason: OpenAI's, FastAPI's, OpenRouter's, OAuth's, MiniMax's and those of gateways. */
const KEYS =
  "error message Message msg detail errors error_description metadata raw base_resp status_msg"
    .split(" ");

const DEPTH_MAX = 8;
/** Entries of a list: a refused request of FastAPI has one for each field. */
const ENTRIES_MAX = 3;

/**
 * Reads the reason in the body of a refusal: JSON, a web page's title, or plain text.
 *
 * @returns The server's own words, of any length; `undefined` if it gave none.
 */
export function reasonOf(body: string): string | undefined {
  const value = parseForeignJson(body);
  if (value !== undefined) return reasonIn(value);
  if (/^\s*[[{]/.test(body)) return undefined; // half of a body
  const text = /^\s*</.test(body) ? /<title[^>]*>([^<]*)</i.exec(body)?.[1] : body;
  return text?.trim() || undefined;
}

/** The same of an error that came as JSON. */
export function reasonIn(value: unknown, depth = DEPTH_MAX): string | undefined {
  if (depth === 0) return undefined;
  if (typeof value === "string") {
    const inner = /^\s*[[{]/.test(value) ? parseForeignJson(value) : undefined;
    return inner === undefined ? value.trim() || undefined : reasonIn(inner, depth - 1);
  }
  if (typeof value !== "object" || value === null) return undefined;
  const within = (held: unknown) => reasonIn(held, depth - 1) ?? [];
  if (Array.isArray(value)) {
    return value.slice(0, ENTRIES_MAX).flatMap(within).join("; ") || undefined;
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const texts = KEYS.flatMap((key) => {
    const held = fields.get(key);
    const isMap = key === "errors" && typeof held === "object" && held !== null;
    return within(isMap ? Object.values(held) : held);
  });
  const place = fields.get("loc"); // FastAPI's
  const own = texts.filter((text, at) => !texts.slice(0, at).some((one) => one.includes(text)));
  const reason = own.join(": ") || undefined;
  return Array.isArray(place) && reason !== undefined ? `${place.join(".")}: ${reason}` : reason;
}

/** A time in a server's words: `"try again in 7m12.5s"`, `"retry after 72345 seconds"`. */
const WAIT =
  /\b(?:again|retry|retrying|wait|resets?)\b\D{0,24}?((?:\d+(?:\.\d+)?\s?(?:days?|d|hours?|hrs?|h|minutes?|mins?|ms|m|seconds?|secs?|s)(?![a-z])(?:\s?,?\s?(?:and\s)?))+)/i;

/** A date in such words: `"resets at 2026-01-01T00:00:00Z"`. */
const DATE =
  /\b(?:again|retry|until|after|resets?)\b\D{0,24}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s?(Z|UTC|[+-]\d\d:?\d\d)?/i;

/**
 * Milliseconds that a server's words ask to wait; `undefined` if they name no time.
 *
 * @param now Unix time in milliseconds; absent: dates do not count.
 */
export function waitIn(reason: string | undefined, now?: number): number | undefined {
  const [, date, zone = "Z"] = DATE.exec(reason ?? "") ?? [];
  if (date !== undefined && now !== undefined) {
    const at = Date.parse(`${date.replace(" ", "T")}${zone.replace(/UTC/i, "Z")}`);
    if (!Number.isNaN(at)) return Math.max(0, at - now);
  }
  const named = WAIT.exec(reason ?? "")?.[1];
  return named === undefined ? undefined : durationOf(named);
}
