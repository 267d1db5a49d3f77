/**
 * Asks the next model if one fails before a person has seen text of its answer (L1, L3).
 *
 * Each model has its own retries. So Barnacle asks a fallback once these are used up, or at once after a
 * failure that no retry can mend. A refusal to answer the conversation ends the chain: another model
 * must not be talked into what the first one refuses.
 *
 * A retry before any text costs only time; later, it would continue with another answer. Breakers,
 * which all chains share, remember which models and providers fail, so that a chain asks others
 * first for a while. That forbids no request: a chain whose models are all skipped asks them as
 * written.
 */

import {
  fitRequest,
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
  type ReplacedModel,
  withGenerate,
} from "../../core/model.ts";
import type { Clock } from "../../lib/clock.ts";

interface Watched {
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
      states.set(id, breakerAfterFailure(stateOf(id), error, now()));
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
export function breakerAfterFailure(
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
export function askWaitMs(tries: number, error: unknown, random: number): number | undefined {
  if (!(error instanceof ModelError) || error.isFinal) return undefined;
  const isBroken = tries === 1 && (error.kind === "unread_call" || error.kind === "not_an_answer");
  if (!PASSING.has(error.kind) && !isBroken) return undefined;
  const waitMs = RETRY_WAITS_MS[tries - 1];
  if (waitMs === undefined) return undefined;
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > RETRY_AFTER_MAX_MS) return undefined;
  return Math.round(Math.max(waitMs, retryAfterMs) * (1 + JITTER * random));
}

/** Wraps a model so that it retries temporary failures. A tool call that came as text is one. */
export function withRetry(
  model: Model,
  { sleep, random, hasCall, onRetry, onTooLong }: {
    /** Waits; rejects with the signal's reason once it is aborted. */
    readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
    /** Random number from 0 up to, but not including, 1. */
    readonly random: () => number;
    /**
     * Whether a text has a call of one of these tools, which the server's tool parser has not read:
     * people would see half a sentence.
     */
    readonly hasCall?: (text: string, tools: readonly string[]) => Promise<boolean>;
    /** Gets each failure before its retry, with the delay in milliseconds. */
    readonly onRetry?: (error: ModelError, waitMs: number) => void;
    /** Gets the refusal of a request because of its length. */
    readonly onTooLong?: (error: ModelError, request: ModelRequest) => void;
  },
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
        const waitMs = isSeen || signal.aborted ? undefined : askWaitMs(tries, thrown, random());
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

export interface ModelCandidate {
  readonly model: Model;
  /** Its provider, whose breaker its failures count for. */
  readonly providerId: string;
}

/**
 * Joins models into one, with the id and the abilities of the first.
 *
 * @param candidates In the order in which to ask them.
 * @param onFallback Gets each failure and the id of the next model, before the request to it.
 */
export function withFallbacks(
  candidates: readonly [ModelCandidate, ...ModelCandidate[]],
  breakers: ReturnType<typeof createBreakers>,
  onFallback?: (error: ModelError, next: string) => void,
): Model {
  const [{ model: primary, providerId }] = candidates;
  const first: Watched = { modelId: primary.id, providerId };
  const all = candidates.map(({ model, providerId }) => ({
    model,
    watched: { modelId: model.id, providerId },
  }));

  /** @param failure The first one of this request; absent if there was none. */
  function withModel(
    part: Extract<ModelPart, { kind: "finish" }>,
    { id }: Model,
    failure: ModelError | undefined,
  ): ModelPart {
    if (id === primary.id) return failure ? { ...part, failure } : part;
    return {
      ...part,
      modelId: id,
      // A skipped model has not failed in this request, but its last failure is the reason.
      failure: breakers.failureOf(first) ?? failure,
      replaced: breakers.replaced(first),
    };
  }

  /**
   * The models that work come first; if none does, all keep their order. A turn goes on with the
   * model that answered it last.
   */
  function inOrder({ prefers }: ModelRequest): typeof all {
    const isOpen = ({ watched }: (typeof all)[number]) => !breakers.isClosed(watched);
    const order = [...all.filter((one) => !isOpen(one)), ...all.filter(isOpen)];
    const at = order.findIndex((one) => one.model.id === prefers && !isOpen(one));
    const preferred = order[at];
    return preferred ? [preferred, ...order.filter((one) => one !== preferred)] : order;
  }

  return withGenerate(primary, async function* (request, signal) {
    const order = inOrder(request);
    let failure: ModelError | undefined;
    let tooLong: ModelError | undefined;
    for (const [index, { model, watched }] of order.entries()) {
      breakers.asking(watched);
      let hasBegun = false;
      let hasParts = false;
      try {
        for await (const part of model.generate(fitRequest(request, model), signal)) {
          hasBegun = part.kind !== "again" && (hasBegun || part.kind !== "thinking");
          hasParts = part.kind !== "again";
          if (part.kind === "finish") breakers.answered(watched);
          yield part.kind === "finish" ? withModel(part, model, failure) : part;
        }
        return;
      } catch (thrown) {
        if (signal.aborted || !(thrown instanceof ModelError)) throw thrown;
        breakers.failed(watched, thrown);
        if (thrown.kind === "filtered" || (hasBegun && request.isShown?.())) throw thrown;
        failure ??= thrown;
        if (thrown.kind === "context_length") tooLong ??= thrown;
        const next = order[index + 1];
        // A shorter request may succeed. Otherwise, the model that should have answered counts.
        if (!next) throw tooLong ?? failure;
        onFallback?.(thrown, next.model.id);
        if (hasParts) yield { kind: "again" };
      }
    }
  });
}
