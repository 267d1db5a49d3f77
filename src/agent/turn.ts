/**
 * One turn: asks the model once, within its time, and says how it ended.
 *
 * A crash runs it again from its claim.
 *
 * @module
 */

import { type Model, ModelError, type ModelRequest, type ModelUsage } from "../core/model.ts";
import type { Schedule } from "../lib/schedule.ts";

export type TurnOutcome =
  | { readonly kind: "reply"; readonly text: string; readonly usage?: ModelUsage }
  /** Nothing may be shown of it but that it failed. */
  | { readonly kind: "failed"; readonly reason: string; readonly error: unknown }
  /** The process is stopping; the turn is begun anew by the next one. */
  | { readonly kind: "interrupted" };

export interface TurnPorts {
  readonly model: Model;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
  readonly schedule: Schedule;
  /** `agents.turnTimeoutSec`, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of the answer so far, whole, as often as there is more of it; never to throw. */
  readonly onText?: (soFar: string) => void;
}

/** Runs a turn to its end; a failure is an outcome, never thrown. */
export async function runTurn(request: ModelRequest, ports: TurnPorts): Promise<TurnOutcome> {
  const { stopping, schedule, timeoutMs } = ports;
  // One for both: `AbortSignal.any` costs more than all else here.
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

/** An answer without a last part, or without words, is none (L3). */
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
