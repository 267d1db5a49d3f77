/**
 * Asks the embedding model for vectors: within budgets, counted, and with pauses while its server
 * fails (T14, L5, X4).
 */

import {
  type EmbeddedAs,
  type Embedding,
  EmbeddingFailed,
  type EmbeddingState,
  TextRefused,
} from "../../core/notes/embedding.ts";
import { modelProblemOf } from "../../core/model_problem.ts";
import type { SpendPort } from "../../core/spending/metered_model.ts";
import { chargeOf, type UsedBy } from "../../core/spending/usage.ts";
import type { Account } from "../../core/account/account.ts";

/** Vectors, or why there are none. */
export type EmbedResult =
  | { readonly kind: "vectors"; readonly vectors: readonly Int8Array[] }
  /** The server refuses these notes; others may pass. */
  | { readonly kind: "refused"; readonly why: string }
  /** No request was made, or it failed. */
  | {
    readonly kind: "none";
    readonly why: string;
    /** Milliseconds until another attempt makes sense. */
    readonly retryMs: number;
  };

/** Milliseconds of the first pause after a failure; it doubles with each further one. */
const PAUSE_MS = 30_000;
/** Longest pause in milliseconds; also that of a spent budget. */
const PAUSE_MAX_MS = 10 * 60_000;

/** State of the current model. A reload of the config may bring another one. */
interface EmbedderState {
  readonly embedding: Embedding;
  dimension?: number;
  failures: number;
  failure?: { readonly since: number; readonly why: string };
  pausedUntil: number;
}

/** Creates the embedder. The function is long because its methods have their docs here. */
export function createEmbedder(
  { now, log }: Pick<Account, "log" | "now">,
  { embedding, spend, cleanSecrets }: {
    /** The model of the current config; `undefined` if it names none. */
    readonly embedding: () => Embedding | undefined;
    readonly spend: SpendPort;
    /** Removes the program's secrets from a text before it leaves. */
    readonly cleanSecrets: (text: string) => string;
  },
) {
  let known: EmbedderState | undefined;

  function current(): EmbedderState | undefined {
    const model = embedding();
    if (known?.embedding !== model) {
      known = model && { embedding: model, failures: 0, pausedUntil: 0 };
    }
    return known;
  }

  function failed(model: EmbedderState, why: string, error?: unknown): EmbedResult {
    model.failures++;
    const retryMs = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (model.failures - 1));
    model.pausedUntil = now() + retryMs;
    model.failure = { since: model.failure?.since ?? now(), why };
    if (model.failures === 1) {
      const { modelId } = model.embedding;
      const { kind } = error instanceof EmbeddingFailed ? error : {};
      const hint = kind && modelProblemOf({ kind, modelId })?.fix;
      log.warn("The embedding model fails: memory is searched by words alone", {
        model: modelId,
        why,
        ...(hint !== undefined && { hint }),
      });
    }
    return { kind: "none", why, retryMs };
  }

  function works(model: EmbedderState, vectors: readonly Int8Array[]): void {
    if (model.failures > 0) {
      log.info("The embedding model works again", { model: model.embedding.modelId });
    }
    model.failures = 0;
    delete model.failure;
    model.pausedUntil = 0;
    model.dimension = vectors[0]?.length ?? 0;
  }

  return {
    /** State of the model of the current config; `undefined` if it names none. */
    state(): EmbeddingState | undefined {
      const model = current();
      if (!model) return undefined;
      const { embedding: { modelId: id }, failure } = model;
      return { id, failure };
    },
    /** Id of the model of the current config; `undefined` if it names none. */
    modelId: (): string | undefined => current()?.embedding.modelId,
    /** Number of dimensions of the newest vectors; `undefined` before the model's first answer. */
    dimension: (): number | undefined => current()?.dimension,
    /**
     * Makes one vector for each text. While the server fails, most calls end without a request. A
     * refused query counts as such a failure: it is short, so the server would refuse others, too.
     *
     * @param by The person and the place that the request is counted for.
     * @throws {unknown} The signal's reason, or the store's error about budgets.
     */
    async embed(
      texts: readonly string[],
      as: EmbeddedAs,
      by: UsedBy,
      timeoutMs: number,
      signal: AbortSignal,
    ): Promise<EmbedResult> {
      const model = current();
      if (!model) return { kind: "none", why: "no embedding model", retryMs: PAUSE_MAX_MS };
      const pausedMs = model.pausedUntil - now();
      if (pausedMs > 0) {
        return { kind: "none", why: "the embedding model failed before", retryMs: pausedMs };
      }
      if (await spend.check(by, "embedding")) {
        return { kind: "none", why: "today's budget is used up", retryMs: PAUSE_MAX_MS };
      }
      const limit = AbortSignal.timeout(timeoutMs);
      const startedAt = now();
      try {
        const both = AbortSignal.any([limit, signal]);
        const clean = texts.map((text) => cleanSecrets(text).toWellFormed());
        const { vectors, usage } = await model.embedding.embed(clean, as, both);
        const ms = Math.max(0, now() - startedAt);
        spend.record(chargeOf(usage, model.embedding.modelId, "embedding", by, ms, now()));
        works(model, vectors);
        return { kind: "vectors", vectors };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (limit.aborted) return failed(model, `no answer within ${timeoutMs / 1_000} s`);
        const why = error instanceof Error ? error.message : String(error);
        const isRefused = error instanceof TextRefused && as === "note";
        return isRefused ? { kind: "refused", why } : failed(model, why, error);
      }
    },
  };
}

export type Embedder = ReturnType<typeof createEmbedder>;
