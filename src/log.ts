/**
 * Writes the log: one event per line, without secrets.
 *
 * Lines are plain text on a terminal, and JSON elsewhere. Two filters protect every line. The first
 * removes the program's secrets from each value before it is formatted. The second removes patterns
 * of secrets that the program may not know from the whole line. The format is our own, because a
 * name from Discord must not be able to begin a line.
 *
 * A program logs values that are at hand when it fails: errors with causes, cycles, getters that
 * throw, bytes, a whole response. None of them may make the log throw, or fill the disk. An error
 * of the network has no stack: it comes every few seconds while the machine is offline.
 */

import process from "node:process";
import type { EventEmitter } from "node:events";
import { isUnreachable, PathError } from "./lib/errors.ts";
import type { Log, LogFields } from "./lib/log.ts";
import { createRedactor, REDACTED } from "./lib/text/redactor.ts";

/** A value that `JSON.stringify` writes without loss. */
type Plain =
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

/** `log.level`; `connection_debug` is `info` plus every gateway event (O2). */
export type LogLevel = "error" | "warn" | "info" | "debug" | "connection_debug";

export interface LogSettings {
  readonly level: LogLevel;
  /** `"human"` for a terminal. */
  readonly format: "human" | "json";
  /** Applies to `"human"` only; off if `NO_COLOR` is set. */
  readonly isColoured?: boolean;
  /** Writes one line, which includes its line break. */
  readonly write: (line: string, level: keyof Log) => void;
  /** Writes the same event as a line of JSON; absent: there is no file. */
  readonly writeToFile?: LogSettings["write"];
  /** The time; the system's if absent. */
  readonly now?: () => number;
}

export const RANKS: Readonly<Record<keyof Log, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Patterns of secrets. None matches a quote or a backslash, so a line of JSON stays valid. */
const PATTERNS: readonly { readonly pattern: RegExp; readonly replacement: string }[] = [
  { pattern: /eyJ[\w-]*\.[\w-]*\.[\w-]*/g, replacement: "[JWT REDACTED]" },
  // A bot token: a snowflake in base64, a time, a signature.
  { pattern: /\b[MNO][\w-]{22,27}\.[\w-]{5,7}\.[\w-]{27,}/g, replacement: REDACTED },
  { pattern: /\b(?:sk|rk|pk)-[\w-]{16,}/g, replacement: REDACTED },
  { pattern: /\b(Bearer|Bot|Basic) [\w.~+/=-]{8,}/g, replacement: `$1 ${REDACTED}` },
  // Webhook and interaction tokens are part of their paths.
  { pattern: /(\/(?:webhooks|interactions)\/\d+\/)[\w-]{20,}/g, replacement: `$1${REDACTED}` },
  // The signature in a signed attachment URL.
  { pattern: /([?&](?:ex|is|hm)=)[0-9a-f]+/gi, replacement: `$1${REDACTED}` },
  // The password in a URL. The rare "://" comes first: it is faster to find than a scheme.
  {
    pattern: /:\/\/(?<=[a-z][a-z\d+.-]*:\/\/)([^\s/:@"\\]*:)[^\s/@"\\]+@/gi,
    replacement: `://$1${REDACTED}@`,
  },
];

/** Causes that fail much at once: the store's disk, and a stop that ends all requests. */
const SHARED_CAUSE = /^StoreError:|Barnacle is stopping$/;

export function startLog(
  { level, format, isColoured = false, write, writeToFile, now = Date.now }: LogSettings,
) {
  const redactor = createRedactor();
  const secrets = new Set<string>();
  const asLine = format === "json" ? jsonLine : humanLine;
  let current = level;
  let hasStopped = false;
  /** Events with a shared cause: when a line was last written, and how many were left out. */
  const shared = new Map<string, { readonly at: number; leftOut: number }>();

  /** Called for each ignored message, so it comes before all other work. */
  function isWritten(level: keyof Log, part: string): boolean {
    if (hasStopped) return false;
    const lowest = current !== "connection_debug" ? current : part === "gateway" ? "debug" : "info";
    return RANKS[level] >= RANKS[lowest];
  }

  /** How many were left out before this one; `undefined` if it is, too, within a minute. */
  function leftOutBefore(key: string, error: unknown): number | undefined {
    if (!(error instanceof Error) || !SHARED_CAUSE.test(`${error.name}: ${error.message}`)) {
      return 0;
    }
    const last = shared.get(key);
    if (last && Math.abs(now() - last.at) < 60_000) return void last.leftOut++;
    shared.set(key, { at: now(), leftOut: 0 });
    return last?.leftOut ?? 0;
  }

  function writeEvent(part: string, level: keyof Log, event: string, fields: LogFields): void {
    const logged = {
      time: new Date(now()).toISOString(),
      level,
      part,
      event: redactor.clean(event),
      fields: toFields(toPlain(fields, redactor.clean)),
    };
    const line = lineWithoutSecrets(asLine(logged));
    write(`${isColoured && format === "human" ? coloured(line, level) : line}\n`, level);
    writeToFile?.(`${format === "json" ? line : lineWithoutSecrets(jsonLine(logged))}\n`, level);
  }

  return {
    /**
     * The log of one part of the program.
     *
     * @param part One word, such as `"gateway"` or `"store"`.
     * @param fields Added to each of its events.
     */
    forPart(part: string, fields: LogFields = {}): Log {
      const at = (level: keyof Log) => (event: string, more?: LogFields) => {
        if (!isWritten(level, part)) return;
        const leftOut = leftOutBefore(`${part} ${event}`, more?.["error"]);
        if (leftOut === undefined) return;
        const repeated = leftOut || undefined;
        writeEvent(part, level, event, given({ ...fields, ...more, repeated }));
      };
      return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
    },
    addSecret(secret: string): void {
      secrets.add(secret);
      redactor.add(secret);
    },
    /** All secrets, for other outputs that must not contain them. */
    secrets: (): readonly string[] => [...secrets],
    setLevel: (next: LogLevel): void => void (current = next),
    /** Removes secrets from a text for outputs other than the log. */
    clean: (text: string): string => redactor.clean(text),
    stop: (): void => void (hasStopped = true),
  };
}

export type Logging = ReturnType<typeof startLog>;

/**
 * Writes to stderr: stdout is for results (O10). Lines of one turn of the event loop leave together,
 * as a write costs more than its line. An error's line, and all before it, leave at once.
 */
export function createStderrWriter(
  stderr: Pick<EventEmitter, "on"> & { write(text: string): void } = process.stderr,
): LogSettings["write"] {
  stderr.on("error", () => {}); // stderr is closed, so the failure cannot be reported
  return inBatches((text) => stderr.write(text));
}

/** Joins the lines of one turn of the event loop; see {@link createStderrWriter}. */
export function inBatches(write: (text: string) => void): LogSettings["write"] {
  let waiting = "";
  const flush = () => {
    const text = waiting;
    waiting = ""; // the write may log
    if (text !== "") write(text);
  };
  process.on("exit", flush);
  return (line, level) => {
    if (waiting === "") setImmediate(flush);
    waiting += line;
    if (level === "error") flush();
  };
}

/** The plain text of an event, without secrets: a line of the log's JSON. */
interface LoggedEvent {
  /** In ISO 8601, with milliseconds, in UTC. */
  readonly time: string;
  readonly level: string;
  readonly part: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, Plain>>;
}

/** Replaces patterns of secrets in a line that is made already. */
export function lineWithoutSecrets(line: string): string {
  return PATTERNS.reduce(
    (text, { pattern, replacement }) => text.replaceAll(pattern, replacement),
    line,
  );
}

function given(fields: LogFields): LogFields {
  const shown: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && value !== null) shown[name] = value;
  }
  return shown;
}

/** The fields of an event; those of a value that is no object are empty. */
function toFields(plain: Plain): Readonly<Record<string, Plain>> {
  return typeof plain === "object" && plain !== null && !isList(plain) ? plain : {};
}

function isList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain);
}

/** An event as a line of JSON, without its line break. */
export function jsonLine(event: LoggedEvent): string {
  const hasFields = Object.keys(event.fields).length > 0;
  return escaped(JSON.stringify(hasFields ? event : { ...event, fields: undefined }));
}

/** An event as a line for people, without date and line break. */
function humanLine({ time, level, part, event, fields }: LoggedEvent): string {
  const head = `${time.slice(11, 23)} ${level.padEnd(5)} ${part}: ${event}`;
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  return escaped([head, ...pairs].join(" "));
}

/**
 * Formats an error without its stack, for people; other values as JSON unless they are one word.
 */
function shown(value: Plain): string {
  if (typeof value === "string" && /^[^\s"=\\]+$/.test(value)) return value;
  const { name, message, stack, cause } = toFields(value);
  if (typeof name !== "string" || typeof message !== "string") return JSON.stringify(value);
  if (stack === undefined && !name.endsWith("Error")) return JSON.stringify(value);
  const because = cause === undefined ? "" : ` because ${shown(cause)}`;
  return `${JSON.stringify(`${name}: ${message}`)}${because}`;
}

/**
 * Writes characters that could end a line, move the cursor or turn the reading direction as
 * `\uXXXX`, as JSON does.
 */
export function escaped(line: string): string {
  return line.replace(
    /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const COLOURS: Readonly<Partial<Record<keyof Log, number>>> = { error: 31, warn: 33, debug: 90 };

export function coloured(line: string, level: keyof Log): string {
  const colour = COLOURS[level];
  return colour === undefined ? line : `\u001b[${colour}m${line}\u001b[39m`;
}
