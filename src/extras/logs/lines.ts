/**
 * Reads the lines of a log: those of Barnacle, as JSON or for people, and any others, such as the
 * last words of a crash. No line is trusted: it may be cut, endless or no text at all.
 */

import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type Plain, toPlain } from "../../lib/text/plain.ts";
import {
  coloured,
  escaped,
  humanLine,
  jsonLine,
  type LoggedEvent,
  RANKS,
  toFields,
  withoutSecrets,
} from "../../log.ts";

export interface ReadLine extends Pick<LoggedEvent, "event" | "fields"> {
  /** Unix time in milliseconds; absent: the line has none. */
  readonly at?: number;
  /** Absent if Barnacle did not write the line, or not whole. */
  readonly level?: keyof Log;
  /** The part of the program, or the program that wrote the line. */
  readonly part?: string;
  readonly raw: string;
  /** Whether the end of the line is not written yet; absent: it is. */
  readonly isOpen?: true;
}

/** UTF-16 units of a line that are read; the rest of a longer one is left out. */
export const LINE_MAX_CHARS = 256 * 1_024;

/** Stands at the end of a line that was cut. */
const CUT = "… (cut)";

/** Beginning of a line of JSON. Containers and Docker Compose may write something before it. */
const JSON_HEAD = /\{"time": ?"/;

const HUMAN = /^\d\d:\d\d:\d\d\.\d{3} (error|warn|info|debug) +([\w-]+): (.*)$/;

/** Colours of a terminal. Node's filter would remove text with them: up to the next bell. */
// deno-lint-ignore no-control-regex
const COLOUR = /\u001b\[[\d;]*m/g;

export function parseLine(text: string): ReadLine {
  const at = text.search(JSON_HEAD);
  const line = at === -1 ? undefined : fromJson(text.slice(at));
  if (line) return { ...line, raw: text };
  const plain = text.replaceAll(COLOUR, "");
  const [, level, part, event] = HUMAN.exec(plain) ?? [];
  if (!isLevel(level) || event === undefined) return { event: plain, fields: {}, raw: text };
  return { level, part, event, fields: {}, raw: text };
}

function fromJson(text: string): Omit<ReadLine, "raw"> | undefined {
  let value: Plain;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // cut, or of another program
  }
  const { time, level, part, event, fields = {} } = toFields(value);
  if (typeof time !== "string" || typeof part !== "string" || typeof event !== "string") {
    return undefined;
  }
  const at = Date.parse(time);
  if (Number.isNaN(at) || !isLevel(level)) return undefined;
  return { at, level, part, event, fields: toFields(fields) };
}

export function isLevel(value: unknown): value is keyof Log {
  return typeof value === "string" && Object.hasOwn(RANKS, value);
}

/** Fields of bounded depth and length: a line that Barnacle did not write may have any. */
function bounded(fields: ReadLine["fields"]): ReadLine["fields"] {
  return toFields(toPlain(fields, (text) => text));
}

export function lineAsJson({ at, level, part, event, fields }: ReadLine): string {
  const time = at === undefined ? undefined : new Date(at).toISOString();
  if (time !== undefined && level !== undefined && part !== undefined) {
    return withoutSecrets(jsonLine({ time, level, part, event, fields: bounded(fields) }));
  }
  return withoutSecrets(escaped(JSON.stringify({ time, level, part, event })));
}

/** A line for people: date and time, level, part, event and fields. */
export function lineForPeople(line: ReadLine, isColoured: boolean): string {
  const clean = withoutSecrets(plainLine(line));
  return isColoured && line.level !== undefined ? coloured(clean, line.level) : clean;
}

/** The same without colours; it may have secrets. */
export function plainLine({ at, level, part, event, fields }: ReadLine): string {
  const time = at === undefined ? undefined : new Date(at).toISOString();
  return time !== undefined && level !== undefined && part !== undefined
    ? `${time.slice(0, 10)} ${humanLine({ time, level, part, event, fields: bounded(fields) })}`
    : [
      ...(time === undefined ? [] : [time.slice(0, 23).replace("T", " ")]),
      ...(level === undefined ? [] : [level.padEnd(5)]),
      part === undefined ? printable(event) : `${printable(part)}: ${printable(event)}`,
    ].join(" ");
}

/** Divides bytes into lines. A line beyond {@link LINE_MAX_CHARS} is cut there. */
export class LineDivider {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #isCut = false;

  /** Takes further bytes, and returns the lines that they end. */
  push(bytes: Uint8Array): readonly string[] {
    return this.#divide(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The line without an end; `undefined` if there is none. */
  end(): string | undefined {
    const [last] = this.#divide(`${this.#decoder.decode()}\n`);
    return last === "" ? undefined : last;
  }

  #divide(text: string): readonly string[] {
    const parts = text.split("\n");
    const last = parts.pop() ?? "";
    const lines = parts.map((part) => {
      this.#add(part);
      const line = this.#isCut ? this.#rest + CUT : this.#rest;
      this.#rest = "";
      this.#isCut = false;
      return line.endsWith("\r") ? line.slice(0, -1) : line;
    });
    this.#add(last);
    return lines;
  }

  #add(part: string): void {
    const room = LINE_MAX_CHARS - this.#rest.length;
    if (part.length > room) this.#isCut = true;
    this.#rest += part.slice(0, room);
  }
}
