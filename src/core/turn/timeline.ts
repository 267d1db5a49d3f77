/**
 * The course of a turn, from its stored steps: each request to the model and each tool call, with
 * its times. `barnacle why` prints it, and the export of traces sends it.
 *
 * A step has the time of its end only. A request begins when the step before it has ended. Calls
 * that may run twice begin together, at the end of the answer that asks for them.
 *
 * @module
 */

import type { ModelUsage, ToolCall } from "../model.ts";
import type { Step, ToolResult } from "../step.ts";

/** A request to the model, or a tool call. Times are Unix times in milliseconds. */
export type TimelineEntry =
  & {
    readonly startedAt: number;
    readonly endedAt: number;
  }
  & (
    | {
      readonly kind: "model";
      /** Names of the called tools, in order. */
      readonly calls: readonly string[];
      readonly usage?: ModelUsage;
      /** The model that answered, if it was a fallback (L3). */
      readonly modelId?: string;
      /** Kind of the failure; absent if the model answered. */
      readonly failure?: string;
    }
    | {
      readonly kind: "tool";
      readonly name: string;
      /** Id of the call in the model's answer. */
      readonly callId: string;
      /** JSON as the model wrote it. */
      readonly arguments: string;
      readonly end: ToolResult["end"];
      /** UTF-16 units of the result. */
      readonly chars: number;
      /** The reason, if the call failed or its end is unknown. */
      readonly problem?: string;
    }
  );

/** The marks around a reason, which are for the model only. */
const FENCE = /<result boundary="\w+">\n|\n<\/result>/g;

/**
 * Lists the course of a turn, by time of the ends.
 *
 * @param startedAt When the turn began; the first answer may lie before it, in an earlier process.
 */
export function timelineOf(
  steps: readonly Step[],
  startedAt: number,
): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  let lastEnd = startedAt;
  let answeredAt = startedAt;
  let calls: readonly ToolCall[] = [];
  const begun = new Map<string, number>();
  for (const step of steps) {
    switch (step.kind) {
      case "answer":
        entries.push({
          kind: "model",
          startedAt: Math.min(lastEnd, step.at),
          endedAt: step.at,
          calls: step.calls.map(({ name }) => name),
          ...(step.usage && { usage: step.usage }),
        });
        calls = step.calls;
        begun.clear(); // some models use the same ids in each answer
        answeredAt = step.at;
        break;
      case "begun":
        begun.set(step.callId, step.at);
        break;
      case "result": {
        const call = calls.find(({ id }) => id === step.callId);
        if (!call) break;
        entries.push({
          kind: "tool",
          startedAt: begun.get(call.id) ?? answeredAt,
          endedAt: step.at,
          name: call.name,
          callId: call.id,
          arguments: call.arguments,
          end: step.end,
          chars: step.text.length,
          ...(step.end !== "done" && { problem: step.text.replace(FENCE, "") }),
        });
        break;
      }
    }
    lastEnd = step.at;
  }
  return entries;
}
