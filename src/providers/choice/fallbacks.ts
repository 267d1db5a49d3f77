/**
 * Asks the next model if one fails before a person has seen text of its answer (L1, L3).
 *
 * Each model has its own retries. So a fallback is asked once these are used up, or at once after a
 * failure that no retry can mend. A provider that keeps failing is skipped for a while (its breaker is
 * open). That forbids no request: it only puts other providers first, so a bot with one provider asks
 * it as before.
 */

import type { Clock } from "../../lib/clock.ts";
import { fitRequest } from "../../core/fit_request.ts";
import { type Model, ModelError, type ModelErrorKind, type ModelPart } from "../../core/model.ts";

/** A model that may be asked. */
export interface ModelCandidate {
  /** The model, with its retries. */
  readonly model: Model;
  /** Its provider, whose breaker its failures count for. */
  readonly providerId: string;
}

/**
 * Joins models into one, with the id and the abilities of the first.
 *
 * @param candidates In the order in which to ask them.
 */
export function withFallbacks(
  candidates: readonly [ModelCandidate, ...ModelCandidate[]],
  { now, onFallback }: Clock & {
    /** Gets each failure before the next model is asked, with the id of that model. */
    readonly onFallback?: (error: ModelError, next: string) => void;
  },
): Model {
  const [{ model: primary }] = candidates;
  const breakers = new Map<string, ProviderBreaker>();
  const stateOf = (providerId: string) => breakers.get(providerId) ?? CLOSED;

  /** The models whose provider works come first. If none does, all are asked as written. */
  function inOrder(): readonly ModelCandidate[] {
    const at = now();
    const isOpen = ({ providerId }: ModelCandidate) => !isClosed(stateOf(providerId), at);
    return [...candidates.filter((one) => !isOpen(one)), ...candidates.filter(isOpen)];
  }

  return {
    id: primary.id,
    get takesNoTools() {
      return primary.takesNoTools ?? false;
    },
    get refusedThinking() {
      return primary.refusedThinking ?? new Set();
    },
    get takesImages() {
      return primary.takesImages;
    },
    get window() {
      return primary.window;
    },
    async *generate(request, signal) {
      const order = inOrder();
      let first: ModelError | undefined;
      for (const [index, { model, providerId }] of order.entries()) {
        breakers.set(providerId, afterAsking(stateOf(providerId), now()));
        let hasBegun = false;
        let hasParts = false;
        try {
          for await (const part of model.generate(fitRequest(request, model), signal)) {
            hasBegun = part.kind !== "again" && (hasBegun || part.kind !== "thinking");
            hasParts = part.kind !== "again";
            if (part.kind === "finish") breakers.delete(providerId);
            yield part.kind === "finish" ? withModel(part, model, primary, first) : part;
          }
          return;
        } catch (thrown) {
          if (signal.aborted || !(thrown instanceof ModelError)) throw thrown;
          breakers.set(providerId, afterFailure(stateOf(providerId), thrown.kind, now()));
          if (hasBegun && request.isShown?.()) throw thrown;
          first ??= thrown;
          const next = order[index + 1];
          if (!next) throw first; // the failure of the model that should have answered
          onFallback?.(thrown, next.model.id);
          if (hasParts) yield { kind: "again" };
        }
      }
    },
  };
}

function withModel(
  part: Extract<ModelPart, { kind: "finish" }>,
  { id }: Model,
  primary: Model,
  failure: ModelError | undefined,
): ModelPart {
  return { ...part, ...(id !== primary.id && { modelId: id }), ...(failure && { failure }) };
}

/** State of one provider's breaker. */
export interface ProviderBreaker {
  /** Failures in a row that count. */
  readonly failures: number;
  /** Unix time in milliseconds until which the provider is skipped; 0 if it is not. */
  readonly openUntil: number;
}

/** The provider works, as far as known. */
export const CLOSED: ProviderBreaker = { failures: 0, openUntil: 0 };

/** Failures in a row after which a provider is skipped. */
const FAILURES = 3;
/** Milliseconds of the first pause; it doubles with each further failure. */
const PAUSE_MS = 30_000;
/** Longest pause in milliseconds. */
const PAUSE_MAX_MS = 10 * 60_000;
/** Milliseconds that one request gets to find out whether the provider works again. */
const PROBE_MS = 60_000;

/** Whether a request may go to the provider. */
export function isClosed({ openUntil }: ProviderBreaker, now: number): boolean {
  return now >= openUntil;
}

/**
 * The state when a request begins. After a pause, the first request probes the provider, and the
 * others still skip it.
 */
export function afterAsking(state: ProviderBreaker, now: number): ProviderBreaker {
  const isProbe = state.openUntil > 0 && isClosed(state, now);
  return isProbe ? { ...state, openUntil: now + PROBE_MS } : state;
}

/** The state after a failed request. */
export function afterFailure(
  state: ProviderBreaker,
  kind: ModelErrorKind,
  now: number,
): ProviderBreaker {
  switch (weightOf(kind)) {
    case "none":
      return state;
    case "down":
      return opened(Math.max(state.failures + 1, FAILURES), now);
    case "busy": {
      const failures = state.failures + 1;
      return failures < FAILURES ? { ...state, failures } : opened(failures, now);
    }
  }
}

function opened(failures: number, now: number): ProviderBreaker {
  const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (failures - FAILURES));
  return { failures, openUntil: now + pauseMs };
}

/** Whether a failure concerns the whole provider, and will last. */
function weightOf(kind: ModelErrorKind): "none" | "busy" | "down" {
  switch (kind) {
    case "unauthorized":
    case "quota":
    case "web_page":
    case "redirected":
      return "down";
    case "rate_limited":
    case "unavailable":
    case "timeout":
      return "busy";
    case "not_found": // of one model
    case "context_length": // of one request
    case "filtered": // of one conversation
    case "rejected": // of one request
    case "not_an_answer":
      return "none";
  }
}
