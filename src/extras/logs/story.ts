/**
 * Tells the whole story of one message: the lines of the log that name it, its turn or its
 * deliveries, between the events that the store has about it, by time.
 */

import { createdAtMs } from "../../core/discord/ids.ts";
import { printable } from "../../lib/text/quoted.ts";
import { escaped } from "../../log.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { recordedReport } from "../why/exports.ts";
import { parseSubject } from "../../cli/verdict/subject.ts";
import { filterOf, type LogFilter } from "./filter.ts";
import { findSource, type SourceFlags } from "./find_source.ts";
import { lineAsJson, lineForPeople, type ReadLine } from "./lines.ts";
import { type LinesAbout, linesAbout } from "./lines_about.ts";
import { type RecordEvent, recordEvents } from "./record_events.ts";
import type { LogSource } from "./source.ts";

/** Lines of a story at most: a message that Discord keeps refusing has one for each attempt. */
const MAX_LINES = 5_000;

/** Milliseconds before the message that count: the clocks of Discord and of this machine differ. */
const BEFORE_MS = 60_000;

/** Options that choose the lines of a story. */
export interface StoryFlags extends SourceFlags, LogFilter {
  /** Refused: a story ends. */
  readonly follow: boolean;
}

/** Shows the story of the message that a link or an id names. */
export async function story(flags: StoryFlags, asked: string, io: Io): Promise<ExitCode> {
  if (flags.follow) {
    throw new StartError("--follow shows new lines of all messages; leave one out", EXIT.usage);
  }
  const subject = parseSubject(asked);
  if (subject.kind === "problem") throw new StartError(subject.problem, EXIT.usage);
  const id = subject.kind === "failure" ? subject.failureId : subject.messageId;
  const source = await sourceIfAny(flags, io);
  // Opened before the store: with it, root gives up its rights.
  const reading = source?.from(
    subject.kind === "failure" ? flags.since : createdAtMs(subject.messageId) - BEFORE_MS,
  );
  return await withStoreIfAny(flags, io, async (store) => {
    const found = store && await recordedReport(store, subject);
    const events = found ? recordEvents(found.report) : [];
    const lines = reading ? await collect(reading, linesAbout(id, found?.record), flags) : [];
    for (const line of merged(events, lines)) io.out(line(flags.json, io.style.isOn));
    if (lines.length === MAX_LINES) io.err(`Only the first ${MAX_LINES} lines are shown.`);
    if (events.length + lines.length === 0) {
      io.problem(`neither the store nor the log names ${id}; see \`barnacle why ${id}\``);
      return EXIT.failed;
    }
    if (lines.length === 0 && source) io.err(`${source.name} has no line about it.`);
    if (found && !flags.json) {
      io.err(`\`barnacle why ${found.report.messageId}\` shows the checks of the decision.`);
    }
    return EXIT.done;
  });
}

/** Without a log, the events of the store are shown. */
async function sourceIfAny(flags: StoryFlags, io: Io): Promise<LogSource | undefined> {
  try {
    return await findSource(flags, io);
  } catch (error) {
    if (!(error instanceof StartError) || error.code === EXIT.usage) throw error;
    io.err(`Without lines of the log: ${error.message}`);
    return undefined;
  }
}

async function collect(
  reading: AsyncIterable<ReadLine>,
  { isAbout, until }: LinesAbout,
  { since: _, ...flags }: StoryFlags,
): Promise<readonly ReadLine[]> {
  const isWanted = filterOf(flags);
  const kept: ReadLine[] = [];
  for await (const line of reading) {
    if (line.at !== undefined && line.at > until) break;
    if (isWanted(line) && isAbout(line)) kept.push(line);
    if (kept.length === MAX_LINES) break;
  }
  return kept;
}

type Write = (asJson: boolean, isColoured: boolean) => string;

/** Events and lines by time. A line without a time stays behind the line before it. */
function merged(events: readonly RecordEvent[], lines: readonly ReadLine[]): readonly Write[] {
  let last = 0;
  const ofLog = lines.map((line) => {
    last = line.at ?? last;
    const write: Write = (asJson, isColoured) =>
      asJson ? lineAsJson(line) : lineForPeople(line, isColoured);
    return { at: last, write };
  });
  const ofStore = events.map((event) => {
    const write: Write = (asJson) => asJson ? eventAsJson(event) : eventForPeople(event);
    return { at: event.at, write };
  });
  return [...ofStore, ...ofLog].toSorted((one, other) => one.at - other.at)
    .map(({ write }) => write);
}

/** A line in the form of the log, with the level `record`. */
function eventAsJson({ at, kind, text }: RecordEvent): string {
  const time = new Date(at).toISOString();
  return escaped(JSON.stringify({ time, level: "record", part: kind, event: text }));
}

function eventForPeople({ at, kind, text }: RecordEvent): string {
  const time = new Date(at).toISOString();
  return `${time.slice(0, 10)} ${time.slice(11, 23)} store ${kind}: ${printable(text)}`;
}
