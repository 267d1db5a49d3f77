/**
 * The port to a language model: one request, one streamed answer.
 *
 * The wire protocols belong to `providers/`, and the turn around the call to `agent/`.
 *
 * @module
 */

/** One message of a conversation. */
export interface ModelMessage {
  /** `user` for people's messages with their context, `assistant` for the model's answers. */
  readonly role: "user" | "assistant";
  /** The whole text; for `user`, the message with its envelope (H3). */
  readonly text: string;
}

/** Everything that the model gets to see. */
export interface ModelRequest {
  /** System prompt: only our text and the operator's, never a text from Discord (H4). */
  readonly system: string;
  /** The conversation, oldest first; the last message is the user's. */
  readonly messages: readonly ModelMessage[];
}

/** A part of a streamed answer. A `text` part continues the text before it. */
export type ModelPart =
  | { readonly kind: "text"; readonly text: string }
  /** Always the last part; an answer without it is incomplete. */
  | { readonly kind: "finish"; readonly reason: FinishReason; readonly usage?: ModelUsage };

/** Why the model stopped. `length`: it reached its maximum of output tokens. */
export type FinishReason = "stop" | "length" | "content_filter" | "tool_calls" | "other";

/** Tokens of one request, as the model's API counted them. */
export interface ModelUsage {
  /** Tokens of the request. */
  readonly inputTokens: number;
  /** Tokens of the answer. */
  readonly outputTokens: number;
}

/** A language model that answers requests. */
export interface Model {
  /** `"<provider>/<model>"`. */
  readonly id: string;
  /**
   * Sends one request and streams its answer.
   *
   * @param signal Aborts the request.
   * @throws {ModelError} While iterating, if the model gives no whole answer. After an abort,
   * iterating throws the signal's reason instead.
   */
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/**
 * Kinds of failure, by who can mend them.
 *
 * - `unauthorized`: the key is wrong; the operator.
 * - `not_found`: no such model or address; the operator.
 * - `quota`: the key's quota or credit is used up; the operator.
 * - `web_page`: HTML, from a wrong address or a login page; the operator.
 * - `rejected`: the API refused the request as written; the operator, or a bug.
 * - `rate_limited`, `unavailable`: temporary; a later request may succeed.
 * - `timeout`: no first byte, or no further one, for too long.
 * - `not_an_answer`: garbage, nothing, or an incomplete answer.
 */
export type ModelErrorKind =
  | "unauthorized"
  | "not_found"
  | "quota"
  | "web_page"
  | "rejected"
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "not_an_answer";

/** A request to a model that failed. The message contains no key and no content. */
export class ModelError extends Error {
  /** Name of the class, for logs. */
  override readonly name = "ModelError";
  /** Kind of failure, which decides what to do next. */
  readonly kind: ModelErrorKind;
  /** Id of the model that failed, as {@link Model.id} has it. */
  readonly modelId: string;
  /** Milliseconds that the server asks to wait; absent if it does not ask. */
  readonly retryAfterMs?: number;
  /** HTTP status of a refusal; absent for other failures. */
  readonly status?: number;

  /**
   * Creates the error.
   *
   * @param message Names the model and the failure, without key or content.
   */
  constructor(
    message: string,
    details: {
      readonly kind: ModelErrorKind;
      readonly modelId: string;
      readonly retryAfterMs?: number;
      readonly status?: number;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.kind = details.kind;
    this.modelId = details.modelId;
    if (details.status !== undefined) this.status = details.status;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}
