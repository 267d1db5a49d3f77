/** Answers errors in OpenAI's form, which its clients show to people. */

import {
  type CallRefusalKind,
  CallRefused,
  type CallState,
} from "../../../core/programs/service.ts";

export interface ApiError {
  /** Status of the response. */
  readonly status: number;
  readonly type: string;
  readonly message: string;
  /** Names the error for programs; null if the type says enough. */
  readonly code: string | null;
  /** The field of the request that is wrong. */
  readonly param: string | null;
  /** Seconds for `Retry-After`, if the request may be repeated; absent: 10. */
  readonly waitSec?: number | undefined;
}

/** Thrown by handlers: the request gets this answer. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly error: ApiError;

  constructor(error: ApiError) {
    super(error.message);
    this.error = error;
  }
}

/** A request that is wrong by itself. */
export function invalid(message: string, param: string | null = null): ApiFailure {
  return new ApiFailure({
    status: 400,
    type: "invalid_request_error",
    message,
    code: null,
    param,
  });
}

const KINDS: Readonly<Record<CallRefusalKind, Pick<ApiError, "status" | "type" | "code">>> = {
  forbidden: { status: 403, type: "permission_error", code: "forbidden" },
  not_found: { status: 404, type: "invalid_request_error", code: "not_found" },
  invalid: { status: 400, type: "invalid_request_error", code: null },
  too_many: { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  unavailable: { status: 503, type: "server_error", code: "unavailable" },
};

/** The error for anything that a handler throws; `undefined` if it is none of ours. */
export function toApiError(thrown: unknown): ApiError | undefined {
  if (thrown instanceof ApiFailure) return thrown.error;
  if (!(thrown instanceof CallRefused)) return undefined;
  return { ...KINDS[thrown.kind], message: thrown.message, param: null, waitSec: thrown.waitSec };
}

export function errorOfCall(state: Exclude<CallState, { kind: "answered" }>): ApiError {
  if (state.kind === "open") {
    return {
      status: 504,
      type: "server_error",
      code: "not_ready",
      message: "There is no answer yet. With an Idempotency-Key, the same request gets it later",
      param: null,
    };
  }
  const { why: message, isBudget } = state;
  return isBudget
    ? { status: 429, type: "insufficient_quota", code: "insufficient_quota", message, param: null }
    : { status: 500, type: "server_error", code: "turn_failed", message, param: null };
}

export function errorBody(
  { status: _, waitSec: __, ...error }: ApiError,
): { readonly error: object } {
  return { error };
}

/**
 * The response of an error. OpenAI's clients repeat failed requests by themselves: that would ask the
 * model again, so the answer forbids that, unless nothing has begun.
 */
export function errorResponse(error: ApiError): Response {
  const mayRepeat = error.code === "rate_limit_exceeded" || error.code === "unavailable";
  return Response.json(errorBody(error), {
    status: error.status,
    headers: {
      "x-should-retry": mayRepeat ? "true" : "false",
      ...(mayRepeat && { "Retry-After": String(error.waitSec ?? 10) }),
      ...(error.status === 401 && { "WWW-Authenticate": 'Bearer realm="barnacle"' }),
    },
  });
}
