/**
 * Turns any value into plain data that JSON can hold, bounded and without secrets.
 *
 * A program logs values that are at hand when it fails: errors with causes, cycles, getters that
 * throw, bytes, a whole response. None of them may make the log throw, or fill the disk. An error of
 * the network has no stack: it comes every few seconds while the machine is offline.
 */

import { isUnreachable, PathError } from "../errors.ts";
import { REDACTED } from "./redactor.ts";

/** A value that `JSON.stringify` writes without loss. */
export type Plain =
  | string
  | number
  | boolean
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain };

const DEPTH_MAX = 6;
const ITEMS_MAX = 50;
const TEXT_MAX = 8_000;

/** Names of fields whose values are always secret. */
const SECRET_NAMES =
  /^(?:(?:proxy-)?authorization|(?:set-)?cookie|(?:x-)?api[-_]?key|pass(?:word|wd|phrase)|secret|(?:bot|access|refresh|auth|client|interaction)?[-_]?(?:token|secret))$/i;

/**
 * Makes a value plain: at most 6 levels, 50 items each, and 8,000 characters for each text. Never
 * throws.
 *
 * @param clean Removes secrets from one text. It gets each text whole, before the cut.
 */
export function toPlain(value: unknown, clean: (text: string) => string): Plain {
  const above = new Set<object>();

  const plain = (value: unknown): Plain => {
    switch (typeof value) {
      case "string":
        return cut(clean(value));
      case "number":
      case "bigint": {
        const text = String(value);
        const isPlain = typeof value === "number" && Number.isFinite(value);
        return isPlain && clean(text) === text ? value : clean(text);
      }
      case "boolean":
        return value;
      case "undefined":
        return null;
      case "symbol":
      case "function":
        return `[${typeof value}]`;
      case "object":
        return value === null ? null : within(value);
    }
  };

  const within = (value: object): Plain => {
    if (above.has(value)) return "[circular]";
    if (above.size >= DEPTH_MAX) return "[deep]";
    above.add(value);
    try {
      return object(value);
    } catch {
      return "[unreadable]"; // a getter or a proxy that throws must not end its report
    } finally {
      above.delete(value);
    }
  };

  const object = (value: object): Plain => {
    if (value instanceof Error) return error(value);
    if (Array.isArray(value)) return list(value);
    if (value instanceof Set) return list([...value]);
    if (value instanceof Map) return record([...value].map(([key, item]) => [String(key), item]));
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    if (value instanceof Date || value instanceof RegExp || value instanceof URL) {
      return cut(clean(String(value)));
    }
    return record(Object.entries(value));
  };

  const error = (value: Error): Plain => {
    const { name, message, stack, cause } = value;
    const errors = value instanceof AggregateError ? value.errors : undefined;
    return record([
      ["name", name],
      ["message", message],
      ...Object.entries(value).filter(([key, item]) =>
        item !== undefined && !["name", "message", "cause"].includes(key)
      ),
      ...(cause === undefined ? [] : [["cause", causeOf(value)] as const]),
      ...(errors === undefined ? [] : [["errors", errors] as const]),
      ...(isUnreachable(value) || isRefusal(value) || value instanceof PathError
        ? []
        : [["stack", stack ?? ""] as const]),
    ]);
  };

  const list = (items: readonly unknown[]): Plain => {
    const shown = items.slice(0, ITEMS_MAX).map(plain);
    return items.length > ITEMS_MAX ? [...shown, `[${items.length - ITEMS_MAX} more]`] : shown;
  };

  const record = (entries: readonly (readonly [string, unknown])[]): Plain => {
    const shown: [string, Plain][] = entries.slice(0, ITEMS_MAX).map(([key, item]) => [
      cut(clean(key)),
      SECRET_NAMES.test(key) && item !== undefined ? REDACTED : plain(item),
    ]);
    if (entries.length > ITEMS_MAX) shown.push(["…", `[${entries.length - ITEMS_MAX} more]`]);
    return Object.fromEntries(shown);
  };

  return plain(value);
}

/** The message of a file's failure says all, so the reason is enough. */
function causeOf(error: Error): unknown {
  const { cause } = error;
  return error instanceof PathError && cause instanceof Error ? cause.message : cause;
}

/** Tests for a refused token or key: the server's answer tells all, and the stack nothing more. */
function isRefusal(error: Error): boolean {
  return "kind" in error && error.kind === "unauthorized";
}

/** Cuts before a word, not in it: half a token is still half a token. */
function cut(text: string): string {
  if (text.length <= TEXT_MAX) return text;
  return `${text.slice(0, TEXT_MAX).replace(/\S{1,200}$/, "")}… [${text.length} characters]`;
}
