/**
 * Writes the log: one event per line, without secrets.
 *
 * Lines are plain text on a terminal, and JSON elsewhere. Two filters protect every line. The first
 * removes the program's secrets from each value before it is formatted. The second removes patterns
 * of secrets that the program may not know from the whole line. LogTape filters by level. The
 * format is our own, because a name from Discord must not be able to begin a line.
 */

import process from "node:process";
import {
  configureSync,
  getLogger,
  type Logger,
  type LogLevel as TapeLevel,
  type LogRecord,
  resetSync,
  type Sink,
} from "@logtape/logtape";
import { JWT_PATTERN, redactByPattern, type RedactionPattern } from "@logtape/redaction";
import type { Log, LogFields } from "./lib/log.ts";
import { type Plain, toPlain } from "./lib/text/plain.ts";
import { createRedactor, REDACTED } from "./lib/text/redactor.ts";

/** `log.level`; `connection_debug` is `info` plus every gateway event (O2). */
export type LogLevel = "error" | "warn" | "info" | "debug" | "connection_debug";

/** The level, the format and the output of the log. */
export interface LogSettings {
  /** The least important level that is written. */
  readonly level: LogLevel;
  /** `"human"` for a terminal. */
  readonly format: "human" | "json";
  /** Applies to `"human"` only; off if `NO_COLOR` is set. */
  readonly isColoured?: boolean;
  /** Writes one line, which includes its line break. */
  readonly write: (line: string) => void;
}

const ROOT = "barnacle";

/** Patterns of secrets. None matches a quote or a backslash, so a line of JSON stays valid. */
const PATTERNS: readonly RedactionPattern[] = [
  JWT_PATTERN,
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

/** Starts the log of this process; a second start replaces the first. */
export function startLog({ level, format, isColoured = false, write }: LogSettings) {
  const redactor = createRedactor();
  const secrets = new Set<string>();
  const asLine = format === "json" ? jsonLine : humanLine;
  const formatter = redactByPattern(
    (record: LogRecord) => asLine(toEvent(record, redactor.clean)),
    PATTERNS,
  );
  const sink = (record: LogRecord) => {
    const line = formatter(record);
    write(`${isColoured && format === "human" ? coloured(line, record.level) : line}\n`);
  };

  let current = level;
  const setLevel = (next: LogLevel) => {
    current = next;
    configure(next, sink);
  };
  setLevel(level);

  return {
    /**
     * The log of one part of the program.
     *
     * @param part One word, such as `"gateway"` or `"store"`.
     * @param fields Added to each of its events.
     */
    forPart: (part: string, fields: LogFields = {}): Log =>
      toLog(getLogger([ROOT, part]), () => current.endsWith("debug"), fields),
    /** Removes this text from all later lines. */
    addSecret(secret: string): void {
      secrets.add(secret);
      redactor.add(secret);
    },
    /** All secrets, for other outputs that must not contain them. */
    secrets: (): readonly string[] => [...secrets],
    /** Sets the level of all later lines. */
    setLevel,
    /** Removes secrets from a text for outputs other than the log. */
    clean: (text: string): string => redactor.clean(text),
    /** Ends it. */
    stop: (): void => resetSync(),
  };
}

/** The log of the process, divided by parts. */
export type Logging = ReturnType<typeof startLog>;

function configure(level: LogLevel, sink: Sink): void {
  configureSync({
    reset: true,
    sinks: { lines: sink },
    loggers: [
      { category: [ROOT], sinks: ["lines"], lowestLevel: TAPE_LEVELS[level] },
      ...(level === "connection_debug"
        ? [{
          category: [ROOT, "gateway"],
          sinks: ["lines"],
          parentSinks: "override" as const, // or the parent's level would hold here too
          lowestLevel: "debug" as const,
        }]
        : []),
      // LogTape's own warnings; by default it prints them to stdout.
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "warning" },
    ],
  });
}

/** Writes to stderr: stdout is for results (O10). */
export function createStderrWriter(): (line: string) => void {
  process.stderr.on("error", () => {}); // stderr is closed, so the failure cannot be reported
  return (line) => void process.stderr.write(line);
}

const TAPE_LEVELS: Readonly<Record<LogLevel, TapeLevel>> = {
  error: "error",
  warn: "warning",
  info: "info",
  debug: "debug",
  connection_debug: "info",
};

/**
 * Creates the log of one part. LogTape copies an event's properties three times, so its fields are
 * one property.
 *
 * @param mayDebug Called for each ignored message, so it must cost less than LogTape.
 */
function toLog(logger: Logger, mayDebug: () => boolean, fields: LogFields): Log {
  return {
    debug(event, more) {
      if (mayDebug()) logger.debug(event, { fields: { ...fields, ...more } });
    },
    info: (event, more) => logger.info(event, { fields: { ...fields, ...more } }),
    warn: (event, more) => logger.warn(event, { fields: { ...fields, ...more } }),
    error: (event, more) => logger.error(event, { fields: { ...fields, ...more } }),
  };
}

/** The plain text of an event, without secrets. */
interface LoggedEvent {
  readonly time: string;
  readonly level: string;
  readonly part: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, Plain>>;
}

function toEvent(record: LogRecord, clean: (text: string) => string): LoggedEvent {
  const { category, level, rawMessage, message, properties, timestamp } = record;
  // Our events are plain sentences that may contain braces; LogTape's own are templates.
  const isOurs = category[0] === ROOT && typeof rawMessage === "string";
  const event = isOurs ? rawMessage : message.map((piece) => String(piece)).join("");
  return {
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    part: category.slice(category[0] === ROOT ? 1 : 0).join("."),
    event: clean(event),
    fields: withoutNull(toFields(toPlain(isOurs ? properties["fields"] : properties, clean))),
  };
}

function withoutNull(fields: LoggedEvent["fields"]): LoggedEvent["fields"] {
  if (!Object.values(fields).includes(null)) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function toFields(plain: Plain): Readonly<Record<string, Plain>> {
  return typeof plain === "object" && plain !== null && !isList(plain) ? plain : {};
}

function isList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain);
}

function jsonLine(event: LoggedEvent): string {
  const hasFields = Object.keys(event.fields).length > 0;
  return escaped(JSON.stringify(hasFields ? event : { ...event, fields: undefined }));
}

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
function escaped(line: string): string {
  return line.replace(
    /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const COLOURS: Readonly<Partial<Record<TapeLevel, number>>> = { error: 31, warning: 33, debug: 90 };

function coloured(line: string, level: TapeLevel): string {
  const colour = COLOURS[level];
  return colour === undefined ? line : `\u001b[${colour}m${line}\u001b[39m`;
}
