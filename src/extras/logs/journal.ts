/**
 * Reads a log from the journal of systemd, by `journalctl` without a shell.
 *
 * The journal has the lines of the service, and those of systemd about it. Each of its entries is a
 * line of JSON; the bot's own line is the text `MESSAGE` in it.
 */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import process from "node:process";
import { codeOf } from "../../lib/errors.ts";
import type { Env } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { isLevel, LineDivider, parseLine, type ReadLine } from "./lines.ts";
import type { LogSource } from "./source.ts";

/** Characters of journalctl's error messages that are kept. */
const ERRORS_MAX_CHARS = 4_096;

const FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_PID";

interface JournalEntry {
  readonly cursor?: string;
  readonly line: ReadLine;
}

/** The journal of a unit, of the system or of this user. */
export function journalSource(unit: string, env: Env = process.env): LogSource {
  let cursor: string | undefined;
  const options = ["--unit", unit, "--user-unit", unit];

  async function* linesOf(reading: AsyncIterable<JournalEntry>): AsyncIterable<ReadLine> {
    for await (const { line } of reading) yield line;
  }

  return {
    name: `the journal of ${unit}`,
    async *newestFirst() {
      for await (const entry of start([...options, "--reverse"], env)) {
        cursor ??= entry.cursor;
        yield entry.line;
      }
    },
    from(since) {
      const from = since === undefined ? [] : [`--since=@${Math.floor(since / 1_000)}`];
      return linesOf(start([...options, ...from], env));
    },
    follow(signal) {
      const from = cursor === undefined ? ["--lines=0"] : [`--after-cursor=${cursor}`, "--no-tail"];
      return linesOf(start([...options, "--follow", ...from], env, signal));
    },
  };
}

/** Starts journalctl at once, and ends it with the reading. */
function start(
  options: readonly string[],
  env: Env,
  signal?: AbortSignal,
): AsyncIterable<JournalEntry> {
  const args = ["--output=json", "--all", "--no-pager", `--output-fields=${FIELDS}`, ...options];
  const child = spawn("journalctl", args, { stdio: ["ignore", "pipe", "pipe"], env, signal });
  let errors = "";
  child.stderr.on("data", (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(0, ERRORS_MAX_CHARS);
  });
  const ended = new Promise<{ readonly error?: unknown; readonly code?: number | null }>(
    (resolve) => {
      child.on("error", (error) => resolve({ error }));
      child.on("close", (code) => resolve({ code }));
    },
  );

  async function* read(): AsyncIterable<JournalEntry> {
    const divider = new LineDivider();
    let isEmpty = true;
    let isRead = false;
    try {
      for await (const bytes of child.stdout) {
        for (const line of divider.push(bytes)) {
          isEmpty = false;
          yield toEntry(line);
        }
      }
      isRead = true;
      const last = divider.end();
      if (last !== undefined) yield toEntry(last);
    } catch (error) {
      if (!signal?.aborted && (await ended).error === undefined) throw error;
      isRead = true; // it could not be started
    } finally {
      if (!isRead) child.kill(); // the reader wants no more
    }
    const { error, code } = await ended;
    if (signal?.aborted) return;
    if (error !== undefined) throw toProblem(error);
    if (isEmpty && /not seeing messages|insufficient permissions|permission denied/i.test(errors)) {
      throw new StartError(NO_PERMISSION, EXIT.io);
    }
    if (code !== 0) {
      const [first = ""] = errors.trim().split("\n");
      throw new StartError(`journalctl failed: ${printable(first)}`, EXIT.io);
    }
  }

  return read();
}

const NO_PERMISSION = "this user may not read the journal of the service; run the command with " +
  "sudo, or add the user to the group systemd-journal: sudo usermod -aG systemd-journal $USER";

function toProblem(error: unknown): StartError {
  return codeOf(error) === "ENOENT"
    ? new StartError("this machine has no journalctl; --file names a log file", EXIT.tryAgain)
    : new StartError(`cannot run journalctl: ${codeOf(error) ?? "unknown reason"}`, EXIT.io);
}

/** A line of `journalctl --output=json`. */
function toEntry(text: string): JournalEntry {
  let entry: Readonly<Record<string, unknown>>;
  try {
    entry = Object(JSON.parse(text));
  } catch {
    return { line: parseLine(text) }; // cut
  }
  const { __CURSOR: cursor, __REALTIME_TIMESTAMP: micros } = entry;
  const line = parseLine(textOf(entry["MESSAGE"]));
  const at = line.at ?? Math.floor(Number(micros) / 1_000);
  return {
    cursor: typeof cursor === "string" ? cursor : undefined,
    line: {
      ...line,
      at: Number.isFinite(at) ? at : undefined,
      ...(line.level === undefined && byOther(entry)),
    },
  };
}

/** The writer of a line that is not one of the bot's log. */
function byOther(entry: Readonly<Record<string, unknown>>): Pick<ReadLine, "level" | "part"> {
  const { SYSLOG_IDENTIFIER: name, PRIORITY: priority, _PID: pid } = entry;
  const isSystemd = pid === "1";
  return {
    // Words of the bot that are not its log may be those of a crash: their priority means nothing.
    level: isSystemd ? levelOf(Number(priority)) : undefined,
    part: isSystemd ? "systemd" : typeof name === "string" ? name : undefined,
  };
}

function levelOf(priority: number): keyof Log | undefined {
  const level = priority <= 3
    ? "error"
    : priority === 4
    ? "warn"
    : priority <= 6
    ? "info"
    : "debug";
  return Number.isNaN(priority) || !isLevel(level) ? undefined : level;
}

/** A message of bytes that are no UTF-8 comes as a list of numbers. */
function textOf(message: unknown): string {
  if (typeof message === "string") return message;
  if (!Array.isArray(message)) return "";
  return Buffer.from(message.filter((byte) => typeof byte === "number")).toString();
}
