/**
 * The port to a language model: one request, one streamed answer.
 *
 * The wire protocols belong to `providers/`, and the turn around the call to `agent/`.
 *
 * @module
 */

/** One side of a conversation, in order. */
export interface ModelMessage {
  readonly role: "user" | "assistant";
  readonly text: string;
}

export interface ModelRequest {
  /** Ours and the operator's words only: nothing from Discord, ever (H4). */
  readonly system: string;
  /** The last one is the user's. */
  readonly messages: readonly ModelMessage[];
}

export type ModelPart =
  | { readonly kind: "text"; readonly text: string }
  /** Always the last part; an answer without it ended early. */
  | { readonly kind: "finish"; readonly reason: FinishReason; readonly usage?: ModelUsage };

export type FinishReason = "stop" | "length" | "content_filter" | "tool_calls" | "other";

export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Model {
  /** `"<provider>/<model>"`. */
  readonly id: string;
  /**
   * Asks once. Iterating fails with a {@link ModelError}, or with the signal's
   * reason once it is aborted.
   */
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/**
 * What went wrong, told apart by who can do what about it.
 *
 * - `unauthorized`: the key is wrong; the operator.
 * - `not_found`: no such model or address; the operator.
 * - `rejected`: the request as written is refused; the operator, or a bug.
 * - `rate_limited`, `unavailable`: later, by itself.
 * - `timeout`: no first byte, or a gap, for too long.
 * - `not_an_answer`: HTML, garbage, nothing, or an answer that ended early.
 */
export type ModelErrorKind =
  | "unauthorized"
  | "not_found"
  | "rejected"
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "not_an_answer";

/** A model call that brought no whole answer. The message holds no key and no content. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly kind: ModelErrorKind;
  /** Of the model that failed. */
  readonly modelId: string;
  /** What the server asked to be waited, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    details: {
      readonly kind: ModelErrorKind;
      readonly modelId: string;
      readonly retryAfterMs?: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.modelId = details.modelId;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}
