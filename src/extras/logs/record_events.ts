/** Lists what the store has about one message as events with their times, for its story. */

import { createdAtMs } from "../../core/discord/ids.ts";
import type { TimelineEntry } from "../../core/turn/timeline.ts";
import { outcomeOfRow, stepCells, type WhyReport } from "../why/exports.ts";
import { asPhrase } from "../../cli/verdict/checks.ts";

/** An event that the store knows of. */
export interface RecordEvent {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly kind: "message" | "decision" | "turn" | "step" | "delivery" | "run";
  /** One line for people; it may have any characters. */
  readonly text: string;
}

/** Lists the events of a message, by time. */
export function recordEvents(report: WhyReport): readonly RecordEvent[] {
  const { messageId, decisions, turn, steps, asked = [], outbox, runs = [] } = report;
  const sentAt = createdAtMs(messageId);
  const events: RecordEvent[] = [
    { at: sentAt, kind: "message", text: `Discord received the message ${messageId}` },
    ...decisions.map(({ accountId, at, verdict, words, rule }): RecordEvent => ({
      at,
      kind: "decision",
      text: `account ${accountId} decided: ${verdict}, ${asPhrase(words)} (${rule})`,
    })),
    ...steps.map((step) => stepEvent(step, "")),
    ...asked.flatMap(({ agentId, number, steps }) =>
      steps.map((step) => stepEvent(step, `agent ${agentId} (${number}): `))
    ),
    ...outbox.map((row): RecordEvent => {
      const part = row.part === undefined || (row.parts ?? 1) < 2
        ? ""
        : ` (${row.part + 1} of ${row.parts})`;
      const outcome = outcomeOfRow(row);
      return {
        at: row.messageId === undefined
          ? row.firstAttemptAt ?? row.createdAt
          : createdAtMs(row.messageId),
        kind: "delivery",
        text: `${row.kind ?? "message"} ${row.id}${part}: ${row.state}` +
          (outcome === "" ? "" : `, ${outcome}`),
      };
    }),
    ...runs.map(({ messageId, triggered: { agentId }, state }): RecordEvent => ({
      at: sentAt,
      kind: "run",
      text: `passive agent ${agentId}: ${state}; barnacle logs ${messageId}`,
    })),
    ...turn ? turnEvents(turn) : [],
  ];
  return events.toSorted((one, other) => one.at - other.at);
}

function stepEvent(step: TimelineEntry, who: string): RecordEvent {
  return { at: step.endedAt, kind: "step", text: who + stepCells(step).join(", ") };
}

function turnEvents(
  { state, attempt, agentId, sessionKey, claimedAt, finishedAt, failureId, failure, change }:
    NonNullable<WhyReport["turn"]>,
): readonly RecordEvent[] {
  const why = [failureId === undefined ? "" : `error ${failureId}`, failure ?? ""]
    .filter((part) => part !== "").join(": ");
  return [
    ...(claimedAt === undefined ? [] : [{
      at: claimedAt,
      kind: "turn" as const,
      text: `the turn began: attempt ${attempt}, agent ${agentId}, session ${sessionKey}`,
    }]),
    ...(finishedAt === undefined ? [] : [{
      at: finishedAt,
      kind: "turn" as const,
      text: `the turn ended: ${state}${why === "" ? "" : `, ${why}`}`,
    }]),
    ...(change === undefined
      ? []
      : [{ at: change.at, kind: "message" as const, text: `the message was ${change.kind}` }]),
  ];
}
