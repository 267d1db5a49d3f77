/** `barnacle logs`: shows the log, its newest lines first of all, and follows it (O2). */

import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { filterOf, type LogFilter } from "./filter.ts";
import { findSource, type SourceFlags } from "./find_source.ts";
import { lineAsJson, lineForPeople, type ReadLine } from "./lines.ts";
import type { LogSource } from "./source.ts";

export interface LogsFlags extends SourceFlags, LogFilter {
  /** Whether to show new lines as they come. */
  readonly follow: boolean;
  /** Number of the newest lines to show. */
  readonly lines?: number;
}

/** Lines that are shown if the user names neither a number nor a time. */
const LINES = 200;

/** Older lines that are shown at most before new ones. */
const LINES_BEFORE_NEW = 10_000;

/**
 * Shows the log.
 *
 * @param stopping Ends the command that follows.
 */
export function logs(flags: LogsFlags, io: Io, stopping: AbortSignal): Promise<ExitCode> {
  return reportingErrors(
    io,
    async () => await lines(flags, await findSource(flags, io), io, stopping),
  );
}

async function lines(
  flags: LogsFlags,
  source: LogSource,
  io: Io,
  stopping: AbortSignal,
): Promise<ExitCode> {
  const { follow, since } = flags;
  const isWanted = filterOf(flags);
  const count = flags.lines ?? (since === undefined ? LINES : follow ? LINES_BEFORE_NEW : Infinity);
  const found = follow && !source.newestFirst || count === Infinity
    ? source.from(since)
    : await newest(source, count, flags, isWanted);
  let shown = 0;
  async function show(lines: AsyncIterable<ReadLine> | Iterable<ReadLine>): Promise<void> {
    for await (const line of lines) {
      if (stopping.aborted) return;
      if (!isWanted(line)) continue;
      io.out(flags.json ? lineAsJson(line) : lineForPeople(line, io.style.isOn));
      shown += 1;
    }
  }
  await show(found);
  if (follow && source.newestFirst) await show(source.follow(stopping));
  if (shown === 0 && !follow) io.err(`${source.name} has no such line.`);
  return EXIT.done;
}

async function newest(
  source: LogSource,
  count: number,
  { since = 0, follow }: LogsFlags,
  isWanted: (line: ReadLine) => boolean,
): Promise<readonly ReadLine[]> {
  const kept: ReadLine[] = [];
  if (!source.newestFirst) {
    for await (const line of source.from(since)) {
      if (!isWanted(line)) continue;
      kept.push(line);
      if (kept.length > count) kept.shift();
    }
    return kept;
  }
  for await (const line of source.newestFirst()) {
    if (line.at !== undefined && line.at < since) break;
    // `follow` shows a line once it is whole.
    if (isWanted(line) && !(follow && line.isOpen)) kept.push(line);
    if (kept.length >= count) break;
  }
  return kept.reverse();
}
