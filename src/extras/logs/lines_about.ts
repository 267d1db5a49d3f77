/**
 * Tells which lines of the log are about one message: those that name it, its turn or its
 * deliveries; and, while these run, those about the channel that name no other message.
 */

import type { Plain } from "../../lib/text/plain.ts";
import { createdAtMs } from "../../core/discord/ids.ts";
import type { MessageRecord } from "../../core/store/received.ts";
import type { ReadLine } from "./lines.ts";

/** Milliseconds around turn and deliveries in which a line of the channel counts. */
const AROUND_MS = 5_000;

/** Milliseconds after the last known event in which the log is read, once all has ended. */
const AFTER_MS = 3_600_000;

/** Levels of a line's fields that are read; the log writes six. */
const MAX_DEPTH = 8;

/** States of a turn and of a delivery that may still change. */
const OPEN: readonly string[] = ["waiting", "running", "pending", "sending", "parked", "uncertain"];

/** The test of lines, and how far to read. */
export interface LinesAbout {
  /** Whether a line is about the message. */
  isAbout(line: ReadLine): boolean;
  /** Unix time in milliseconds after which no such line can come. */
  readonly until: number;
}

/**
 * Makes the test.
 *
 * @param id The message id or error id that the user gave.
 * @param record Absent if the store has none: then only lines with the id count.
 */
export function linesAbout(id: string, record: MessageRecord | undefined): LinesAbout {
  if (!record) return { isAbout: (line) => names(line, [id], []), until: Infinity };
  const { messageId, turn, outbox, decisions, runs = [] } = record;
  const ids: readonly string[] = [
    id,
    messageId,
    turn?.turnOf,
    turn?.replyTo,
    turn?.failureId,
    ...outbox.map((row) => row.messageId),
    ...runs.map((run) => run.messageId),
  ].filter((one) => one !== undefined);
  const rows = outbox.flatMap(({ id, foldedInto }) => [id, foldedInto ?? id]);
  const channels: readonly string[] = [...decisions, ...outbox].map(({ channelId }) => channelId);
  const times = [
    createdAtMs(messageId),
    ...decisions.map(({ at }) => at),
    turn?.finishedAt ?? 0,
    ...outbox.map((row) => row.messageId ? createdAtMs(row.messageId) : row.createdAt),
  ];
  const isOpen = [turn?.state, ...outbox.map(({ state }) => state)]
    .some((state) => state !== undefined && OPEN.includes(state));
  const first = Math.min(...times.filter((at) => at > 0)) - AROUND_MS;
  const last = isOpen ? Infinity : Math.max(...times);
  return {
    until: last + AFTER_MS,
    isAbout(line) {
      if (names(line, ids, rows)) return true;
      const { at = 0, fields: { messageId, row, channelId } } = line;
      return messageId === undefined && row === undefined && typeof channelId === "string" &&
        channels.includes(channelId) && at >= first && at <= last + AROUND_MS;
    },
  };
}

function names({ event, fields }: ReadLine, ids: readonly string[], rows: readonly number[]) {
  return typeof fields["row"] === "number" && rows.includes(fields["row"]) ||
    ids.some((id) => event.includes(id) || has(fields, id));
}

/** Whether a value is an id, or holds one not too deep. */
function has(value: Plain, id: string, depth = MAX_DEPTH): boolean {
  if (typeof value === "string") return value.includes(id);
  return depth > 0 && typeof value === "object" && value !== null &&
    Object.values(value).some((part) => has(part, id, depth - 1));
}
