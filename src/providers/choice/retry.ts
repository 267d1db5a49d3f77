/**
 * Retries requests to a model before a person has seen any text of the answer (L3).
 *
 * Until then, a retry costs only time. Later, it would continue with another answer. Failures that
 * only the operator can fix are not retried.
 */

import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelRequest,
  withGenerate,
} from "../../core/model.ts";

/** Delays (milliseconds) before the second, third and fourth try, if the server names none. */
const RETRY_WAITS_MS: readonly number[] = [1_000, 2_000, 4_000];

/**
 * Maximum delay (milliseconds) that a server may ask for. For a longer one, a fallback is better.
 */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Failures that may pass by themselves, in seconds. */
const PASSING: ReadonlySet<ModelErrorKind> = new Set([
  "rate_limited",
  "unavailable",
  "server_error",
]);

/** Maximum random increase of a delay, as a fraction, so that many turns do not retry together. */
const JITTER = 0.2;

/**
 * Decides how long to wait before the next try.
 *
 * @param tries Number of failed tries, from 1.
 * @param random A number from 0 up to, but not including, 1.
 * @returns Milliseconds, at least as many as the server asked for; `undefined` to give up.
 */
export function retryWaitMs(
  tries: number,
  error: unknown,
  random: number,
): number | undefined {
  if (!(error instanceof ModelError) || error.isFinal) return undefined;
  const isBroken = tries === 1 && (error.kind === "unread_call" || error.kind === "not_an_answer");
  if (!PASSING.has(error.kind) && !isBroken) return undefined;
  const waitMs = RETRY_WAITS_MS[tries - 1];
  if (waitMs === undefined) return undefined;
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > RETRY_AFTER_MAX_MS) return undefined;
  return Math.round(Math.max(waitMs, retryAfterMs) * (1 + JITTER * random));
}

/** Everything that retries need from outside. */
export interface RetryDeps {
  /** Waits; rejects with the signal's reason once it is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Random number from 0 up to, but not including, 1. */
  readonly random: () => number;
  /**
   * Whether a text has a call of one of these tools, which the server's tool parser has not read: people
   * would see half a sentence.
   */
  readonly hasCall?: (text: string, tools: readonly string[]) => Promise<boolean>;
  /** Gets each failure before its retry, with the delay in milliseconds. */
  readonly onRetry?: (error: ModelError, waitMs: number) => void;
  /** Gets the refusal of a request because of its length. */
  readonly onTooLong?: (error: ModelError, request: ModelRequest) => void;
}

/** Wraps a model so that it retries temporary failures. A tool call that came as text is one. */
export function withRetry(
  model: Model,
  { sleep, random, hasCall, onRetry, onTooLong }: RetryDeps,
): Model {
  return withGenerate(model, async function* (request, signal) {
    const tools = request.mayCall === false ? [] : request.tools ?? [];
    for (let tries = 1;; tries++) {
      let hasBegun = false;
      let hasParts = false;
      let text = "";
      try {
        for await (const part of model.generate(request, signal)) {
          hasBegun = part.kind !== "again" && (hasBegun || part.kind !== "thinking");
          hasParts = part.kind !== "again";
          if (part.kind === "again") text = "";
          if (part.kind === "text") text += part.text;
          const isAnswer = tools.length > 0 && part.kind === "finish" && !part.calls;
          if (isAnswer && await hasCall?.(text, tools.map(({ name }) => name))) {
            const what =
              "wrote a tool call as text: its server's tool parser did not read the call";
            throw new ModelError(`${model.id} ${what}`, { kind: "unread_call", modelId: model.id });
          }
          yield part;
        }
        return;
      } catch (thrown) {
        const isSeen = hasBegun && (request.isShown?.() ?? false);
        const waitMs = isSeen || signal.aborted ? undefined : retryWaitMs(tries, thrown, random());
        if (thrown instanceof ModelError && thrown.kind === "context_length") {
          onTooLong?.(thrown, request);
        }
        if (!(thrown instanceof ModelError)) throw thrown;
        if (waitMs === undefined && !signal.aborted && thrown.isBroken && text.trim() !== "") {
          return yield { kind: "finish", reason: "other" }; // people see that it is not whole
        }
        if (waitMs === undefined) throw thrown;
        onRetry?.(thrown, waitMs);
        if (hasParts) yield { kind: "again" };
        await sleep(waitMs, signal);
      }
    }
  });
}
