/**
 * Remembers which models and providers fail, so that a chain asks others first for a while (L3).
 *
 * All chains share it. A provider is skipped for failures that concern all of its models, and a model
 * for its own. That forbids no request: a chain whose models are all skipped asks them as written.
 */

import type { ModelError, ModelErrorKind, ReplacedModel } from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";

/** A model of a chain, by its id and its provider's. */
export interface Watched {
  readonly modelId: string;
  readonly providerId: string;
}

/** Creates the memory; nothing fails yet. */
export function createBreakers({ now }: Clock) {
  /** By the provider's id, and by the model's for failures of its own. */
  const states = new Map<string, ModelBreaker>();
  /** By the model's id: its last failure, and the time of its first one since its last answer. */
  const failing = new Map<string, { readonly error: ModelError; readonly since: number }>();
  const stateOf = (id: string) => states.get(id) ?? CLOSED;
  const untilOf = ({ modelId, providerId }: Watched): number =>
    Math.max(stateOf(modelId).openUntil, stateOf(providerId).openUntil);

  return {
    /** Whether a request may go to the model now. */
    isClosed: (one: Watched): boolean => now() >= untilOf(one),
    /** A request begins. After a pause, the first one probes, and the others still skip the model. */
    asking({ modelId, providerId }: Watched): void {
      for (const id of [modelId, providerId]) {
        const state = states.get(id);
        if (state) states.set(id, afterAsking(state, now()));
      }
    },
    /** The model has answered: nothing of it and of its provider fails any more. */
    answered({ modelId, providerId }: Watched): void {
      states.delete(modelId);
      states.delete(providerId);
      failing.delete(modelId);
    },
    failed({ modelId, providerId }: Watched, error: ModelError): void {
      const id = isOfModel(error.kind) ? modelId : providerId;
      states.set(id, afterFailure(stateOf(id), error, now()));
      if (error.kind === "filtered") return; // of the conversation; the model works
      failing.set(modelId, { error, since: failing.get(modelId)?.since ?? now() });
    },
    /** The last failure of a model; `undefined` if it has answered since, or never failed. */
    failureOf: ({ modelId }: Watched): ModelError | undefined => failing.get(modelId)?.error,
    /** Why and for how long another model answers; `undefined` if the model has not failed. */
    replaced(one: Watched): ReplacedModel | undefined {
      const known = failing.get(one.modelId);
      if (!known) return undefined;
      const until = untilOf(one);
      return {
        model: one.modelId,
        why: known.error.kind,
        since: known.since,
        until: until > now() ? until : undefined,
      };
    },
  };
}

export interface ModelBreaker {
  /** Failures in a row that count. */
  readonly failures: number;
  /** Unix time in milliseconds until which it skips; 0 if it does not. */
  readonly openUntil: number;
}

/** All is well, as far as known. */
export const CLOSED: ModelBreaker = { failures: 0, openUntil: 0 };

/** Failures in a row after which a provider is skipped. */
const FAILURES = 3;
/** Milliseconds of the first pause; it doubles with each further failure. */
const PAUSE_MS = 30_000;
/** Longest pause in milliseconds. */
const PAUSE_MAX_MS = 10 * 60_000;
/** Longest pause in milliseconds that a server may name. */
const NAMED_MAX_MS = 60 * 60_000;
/** Milliseconds that one request gets to find out whether the provider works again. */
const PROBE_MS = 60_000;

export function afterAsking(state: ModelBreaker, now: number): ModelBreaker {
  const isProbe = state.openUntil > 0 && now >= state.openUntil;
  return isProbe ? { ...state, openUntil: now + PROBE_MS } : state;
}

/** The state after a failed request. A server that names a time is skipped until then. */
export function afterFailure(
  state: ModelBreaker,
  { kind, retryAfterMs = 0 }: Pick<ModelError, "kind" | "retryAfterMs">,
  now: number,
): ModelBreaker {
  const weight = weightOf(kind);
  if (weight === "none") return state;
  const failures = state.failures + 1;
  const named = Math.min(NAMED_MAX_MS, retryAfterMs);
  if (weight === "down") return opened(Math.max(failures, FAILURES), now, named);
  return failures < FAILURES && named < PAUSE_MS
    ? { ...state, failures }
    : opened(Math.max(failures, FAILURES), now, named);
}

function opened(failures: number, now: number, namedMs: number): ModelBreaker {
  const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (failures - FAILURES));
  return { failures, openUntil: now + Math.max(pauseMs, namedMs) };
}

/** Whether a failure concerns one model of its server. */
function isOfModel(kind: ModelErrorKind): boolean {
  return kind === "not_found" || kind === "no_memory";
}

/** Whether a failure will last, and so concerns the next request, too. */
function weightOf(kind: ModelErrorKind): "none" | "busy" | "down" {
  switch (kind) {
    case "unauthorized":
    case "quota":
    case "no_memory":
    case "web_page":
    case "redirected":
    case "not_found":
      return "down";
    case "rate_limited":
    case "unavailable":
    case "server_error":
    case "timeout":
      return "busy";
    case "context_length": // of one request
    case "filtered": // of one conversation
    case "rejected": // of one request
    case "not_an_answer":
    case "unread_call": // the next one may come as a call
      return "none";
  }
}
