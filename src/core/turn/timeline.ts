/**
 * The course of a turn, from its stored steps: each request to the model and each tool call, with
 * its times. `barnacle why` prints it.
 *
 * The request whose answer ends the turn is no step: {@link lastRequestOf} derives it from the cost
 * of the turn. A step has the time of its end only. A request begins when the step before it has
 * ended. Calls that may run twice begin together, at the end of the answer that asks for them.
 */

import type { ModelUsage, ReplacedModel, ToolCall } from "../model.ts";
import type { TurnCost } from "../spending/usage.ts";
import type { Step, ToolResult } from "../step.ts";
import type { RefusalReason } from "../refused_call.ts";

/** A request to the model, or a tool call. Times are Unix times in milliseconds. */
export type TimelineEntry =
  & {
    readonly startedAt: number;
    readonly endedAt: number;
  }
  & (
    | {
      readonly kind: "model";
      readonly calls: readonly string[];
      readonly usage?: ModelUsage;
      /** The model that answered, if it was a fallback (L3). */
      readonly modelId?: string;
      /** Why the first model did not answer; absent if it did, or if that is not known. */
      readonly replaced?: ReplacedModel;
    }
    | {
      readonly kind: "tool";
      readonly name: string;
      readonly callId: string;
      /** JSON as the model wrote it. */
      readonly arguments: string;
      readonly end: ToolResult["end"];
      /** UTF-16 units of the result. */
      readonly chars: number;
      /** UTF-16 units of it that the model saw; absent: all. */
      readonly shownChars?: number;
      /** Whether a later request had less room for it; absent: none had. */
      readonly isCutLater?: true;
      /** Why the call was refused; absent if it ran. */
      readonly refused?: RefusalReason;
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
export function timelineOf(steps: readonly Step[], startedAt: number): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  let lastEnd = startedAt;
  let answeredAt = startedAt;
  let calls: readonly ToolCall[] = [];
  const begun = new Map<string, number>();
  /** Positions of the results among the entries, in order; of one without a call, -1. */
  const results: number[] = [];
  let shown = 0; // results that an earlier request had
  for (const step of steps) {
    switch (step.kind) {
      case "answer":
        shown = results.length;
        {
          entries.push({
            kind: "model",
            startedAt: Math.min(lastEnd, step.at),
            endedAt: step.at,
            calls: step.calls.map(({ name }) => name),
            usage: step.usage,
            modelId: step.modelId,
            replaced: step.replaced,
          });
        }
        calls = step.calls;
        begun.clear(); // some models use the same ids in each answer
        answeredAt = step.at;
        break;
      case "begun":
        begun.set(step.callId, step.at);
        break;
      case "result": {
        const call = calls.find(({ id }) => id === step.callId);
        results.push(call ? entries.length : -1);
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
          refused: step.refused,
          problem: step.end !== "done" ? step.text.replace(FENCE, "") : undefined,
        });
        break;
      }
      case "cut":
        for (const { result, chars } of step.results) {
          const at = results[result] ?? -1;
          const entry = entries[at];
          if (entry?.kind !== "tool") continue;
          const cut = result < shown ? { isCutLater: true as const } : { shownChars: chars };
          entries[at] = { ...entry, ...cut };
        }
        break;
      case "spoken":
        continue; // a person took that time
    }
    lastEnd = step.at;
  }
  return entries;
}

/**
 * The request that ended a turn with steps: the part of the turn's cost that no step has.
 *
 * @param steps From {@link timelineOf}.
 * @returns `undefined` if the steps have all requests, or if several are missing, as after a crash.
 */
export function lastRequestOf(
  { requests, inputTokens, cachedTokens, outputTokens, micros, model, replaced }: TurnCost,
  steps: readonly TimelineEntry[],
  endedAt: number,
): TimelineEntry | undefined {
  const last = steps.at(-1);
  const before = steps.flatMap((step) => step.kind === "model" ? [step.usage] : []);
  if (!last || requests !== before.length + 1) return undefined;
  const sumOf = (count: (usage: ModelUsage) => number | undefined) =>
    before.reduce((sum, usage) => sum + (usage && count(usage) || 0), 0);
  return {
    kind: "model",
    startedAt: Math.min(last.endedAt, endedAt),
    endedAt,
    calls: [],
    usage: {
      inputTokens: inputTokens - sumOf((usage) => usage.inputTokens),
      cachedTokens: cachedTokens - sumOf((usage) => usage.cachedTokens),
      outputTokens: outputTokens - sumOf((usage) => usage.outputTokens),
      micros: micros !== undefined ? micros - sumOf((usage) => usage.micros) : undefined,
    },
    modelId: replaced && model,
    replaced,
  };
}
