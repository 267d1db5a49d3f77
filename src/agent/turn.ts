/**
 * Runs one turn: asks the model once, within a time limit, and returns the outcome.
 *
 * After a crash, Barnacle runs the turn again from its claim.
 *
 * @module
 */

import { type Model, ModelError, type ModelRequest, type ModelUsage } from "../core/model.ts";
import type { Schedule } from "../lib/schedule.ts";

/** The end of a turn. `usage` counts tokens; absent if the model's API does not report them. */
export type TurnOutcome =
  | { readonly kind: "reply"; readonly text: string; readonly usage?: ModelUsage }
  /** The user learns only that the turn failed; `reason` is for the operator. */
  | { readonly kind: "failed"; readonly reason: string; readonly error: unknown }
  /** The process is stopping; the next process begins the turn anew. */
  | { readonly kind: "interrupted" };

/** Everything that a turn needs from outside. */
export interface TurnPorts {
  /** Answers the request. */
  readonly model: Model;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  /** Timer for the time limit. */
  readonly schedule: Schedule;
  /** Milliseconds that the whole turn may take, from `agents.turnTimeoutSec`. */
  readonly timeoutMs: number;
  /** Gets the whole answer so far, each time that it grows. Must not throw. */
  readonly onText?: (soFar: string) => void;
}

/** Runs a turn to its end. A failure is an outcome; it is never thrown. */
export async function runTurn(request: ModelRequest, ports: TurnPorts): Promise<TurnOutcome> {
  const { stopping, schedule, timeoutMs } = ports;
  // One controller for both reasons: `AbortSignal.any` costs more than everything else here.
  const ending = new AbortController();
  let isLate = false;
  const cancel = schedule(() => {
    isLate = true;
    ending.abort();
  }, timeoutMs);
  const onStop = () => ending.abort(stopping.reason);
  if (stopping.aborted) onStop();
  stopping.addEventListener("abort", onStop, { once: true });
  try {
    return await ask(request, ending.signal, ports);
  } catch (error) {
    if (stopping.aborted) return { kind: "interrupted" };
    if (isLate) {
      return { kind: "failed", reason: `no answer within ${timeoutMs / 1_000} s`, error };
    }
    const reason = error instanceof ModelError ? `${error.kind}: ${error.message}` : "unexpected";
    return { kind: "failed", reason, error };
  } finally {
    cancel();
    stopping.removeEventListener("abort", onStop);
  }
}

/** Reads the answer. One without a last part, or without text, counts as a failure (L3). */
async function ask(
  request: ModelRequest,
  signal: AbortSignal,
  { model, onText }: TurnPorts,
): Promise<TurnOutcome> {
  let text = "";
  for await (const part of model.generate(request, signal)) {
    if (part.kind === "text") {
      text += part.text;
      onText?.(text);
      continue;
    }
    if (text.trim() === "") throw notAnAnswer(model, `empty (${part.reason})`);
    return { kind: "reply", text, ...(part.usage && { usage: part.usage }) };
  }
  throw notAnAnswer(model, "it ended early");
}

function notAnAnswer({ id: modelId }: Model, why: string): ModelError {
  return new ModelError(`${modelId} gave no answer: ${why}`, { kind: "not_an_answer", modelId });
}
