/**
 * The log: one event, one line, no secret.
 *
 * For people on a terminal, as JSON anywhere else. Two nets stand before every
 * line: the secrets that the program knows, taken out of each value before it is
 * formatted, and patterns of those that it may never have been told of, taken
 * out of the line. LogTape decides what is logged; how a line looks is ours,
 * since a name on Discord must not be able to begin one.
 *
 * @module
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

/** `log.level`; `connection_debug` is `info`, and all that the gateway has to say (O2). */
export type LogLevel = "error" | "warn" | "info" | "debug" | "connection_debug";

export interface LogSettings {
  readonly level: LogLevel;
  /** `"human"` for a terminal. */
  readonly format: "human" | "json";
  /** Only for people, and only where they want it (`NO_COLOR`). */
  readonly isColoured?: boolean;
  /** Takes one line, with its end. */
  readonly write: (line: string) => void;
}

export interface Logging {
  /**
   * The log of one part of the program.
   *
   * @param part `"gateway"`, `"store"`: one word.
   * @param fields Added to each of its events.
   */
  forPart(part: string, fields?: LogFields): Log;
  /** From now on no line holds this. */
  addSecret(secret: string): void;
  /** All of them, for other outlets that must not hold them either. */
  secrets(): readonly string[];
  /** From now on so much is logged. */
  setLevel(level: LogLevel): void;
  /** A text without secrets, for outlets that are no log. */
  clean(text: string): string;
  stop(): void;
}

const ROOT = "barnacle";

/** Secrets by their shape. None matches a quote or a backslash: a line of JSON stays one. */
const PATTERNS: readonly RedactionPattern[] = [
  JWT_PATTERN,
  // A bot token: a snowflake in base64, a time, a signature.
  { pattern: /\b[MNO][\w-]{22,27}\.[\w-]{5,7}\.[\w-]{27,}/g, replacement: REDACTED },
  { pattern: /\b(?:sk|rk|pk)-[\w-]{16,}/g, replacement: REDACTED },
  { pattern: /\b(Bearer|Bot|Basic) [\w.~+/=-]{8,}/g, replacement: `$1 ${REDACTED}` },
  // The tokens of webhooks and interactions stand in their paths.
  { pattern: /(\/(?:webhooks|interactions)\/\d+\/)[\w-]{20,}/g, replacement: `$1${REDACTED}` },
  // The signature of a signed attachment's address.
  { pattern: /([?&](?:ex|is|hm)=)[0-9a-f]+/gi, replacement: `$1${REDACTED}` },
  { pattern: /([a-z][a-z\d+.-]*:\/\/[^\s/:@"\\]*:)[^\s/@"\\]+@/gi, replacement: `$1${REDACTED}@` },
];

/** Starts the one log of this process; a second start takes the place of the first. */
export function startLog({ level, format, isColoured = false, write }: LogSettings): Logging {
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
    forPart: (part, fields) =>
      toLog(getLogger([ROOT, part]), () => current.endsWith("debug"), fields),
    addSecret(secret) {
      secrets.add(secret);
      redactor.add(secret);
    },
    secrets: () => [...secrets],
    setLevel,
    clean: (text) => redactor.clean(text),
    stop: () => resetSync(),
  };
}

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
      // LogTape's own complaints; unless told where to, it prints to stdout.
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "warning" },
    ],
  });
}

/** Writes to stderr: stdout is for results (O10). */
export function createStderrWriter(): (line: string) => void {
  process.stderr.on("error", () => {}); // nobody reads any more, and there is nobody to tell
  return (line) => void process.stderr.write(line);
}

const TAPE_LEVELS: Readonly<Record<LogLevel, TapeLevel>> = {
  error: "error",
  warn: "warning",
  info: "info",
  debug: "debug",
  connection_debug: "info",
};

/** @param mayDebug Asked for each message that is ignored, so it must cost less than LogTape. */
function toLog(logger: Logger, mayDebug: () => boolean, fields: LogFields = {}): Log {
  const bound = logger.with({ ...fields });
  return {
    debug(event, more) {
      if (mayDebug()) bound.debug(event, { ...more });
    },
    info: (event, more) => bound.info(event, { ...more }),
    warn: (event, more) => bound.warn(event, { ...more }),
    error: (event, more) => bound.error(event, { ...more }),
  };
}

/** What a line says, clean and plain. */
interface LoggedEvent {
  readonly time: string;
  readonly level: string;
  readonly part: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, Plain>>;
}

function toEvent(record: LogRecord, clean: (text: string) => string): LoggedEvent {
  const { category, level, rawMessage, message, properties, timestamp } = record;
  // Our events are sentences, in which a brace is a brace; LogTape's own are templates.
  const isOurs = category[0] === ROOT && typeof rawMessage === "string";
  const event = isOurs ? rawMessage : message.map((piece) => String(piece)).join("");
  return {
    time: new Date(timestamp).toISOString(),
    level: level === "warning" ? "warn" : level,
    part: category.slice(category[0] === ROOT ? 1 : 0).join("."),
    event: clean(event),
    fields: Object.fromEntries(
      Object.entries(toFields(toPlain(properties, clean))).filter(([, value]) => value !== null),
    ),
  };
}

function toFields(plain: Plain): Readonly<Record<string, Plain>> {
  return typeof plain === "object" && plain !== null && !isList(plain) ? plain : {};
}

function isList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain);
}

function jsonLine({ fields, ...event }: LoggedEvent): string {
  const hasFields = Object.keys(fields).length > 0;
  return escaped(JSON.stringify({ ...event, ...(hasFields && { fields }) }));
}

function humanLine({ time, level, part, event, fields }: LoggedEvent): string {
  const head = `${time.slice(11, 23)} ${level.padEnd(5)} ${part}: ${event}`;
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  return escaped([head, ...pairs].join(" "));
}

/** An error without its stack, for people; the rest as JSON, where it is not one word. */
function shown(value: Plain): string {
  if (typeof value === "string" && /^[^\s"=\\]+$/.test(value)) return value;
  const { name, message, stack, cause } = toFields(value);
  if (typeof name !== "string" || typeof message !== "string" || stack === undefined) {
    return JSON.stringify(value);
  }
  const because = cause === undefined ? "" : ` because ${shown(cause)}`;
  return `${JSON.stringify(`${name}: ${message}`)}${because}`;
}

/**
 * What could end a line, move a cursor or turn the reading direction, as `\uXXXX`;
 * so is it spelled in JSON too.
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
