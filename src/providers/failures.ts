/**
 * Tells a model server's refusals apart by who can do what about them.
 *
 * It judges statuses, headers and error objects, never an error's message: the
 * message of one failure differs by runtime and by version. Only a refusal of a request that is too
 * long may have no other sign, and of a part of a request (`refused/refusals.ts`).
 */

import { retryAfterOf } from "../lib/network/retry_after.ts";
import { ModelError, type ModelErrorKind } from "../core/model.ts";
import { reasonIn, reasonOf, waitIn } from "../lib/network/server_reason.ts";
import { parseForeignJson } from "../lib/text/json.ts";
import { fieldsOf } from "./answer_parts.ts";
import { fieldsIn } from "./without_fields.ts";

/** Maximum number of characters of the server's message in an error. */
export const REASON_MAX = 300;

interface ServerError {
  readonly message?: string;
  readonly codes: readonly string[];
  readonly retryAfterMs?: number;
  /** Unix time in milliseconds at which a quota begins anew. */
  readonly resetAt?: number;
  /** Tokens of the context window. */
  readonly window?: number;
}

/**
 * Makes the error of an HTTP answer with a status of failure.
 *
 * @param secrets Texts that the error must not repeat, even if the server does.
 * @param now Unix time in milliseconds, for a `Retry-After` that is a date.
 */
export function refusalOf(
  { status, headers, body, url, sent }: {
    /** HTTP status. */
    readonly status: number;
    readonly headers: Headers;
    /** The beginning of the body, as far as it was read. */
    readonly body: string;
    /** Address of the request, against which a redirect's target is resolved. */
    readonly url?: string;
    /** Body of the request, if it had one. */
    readonly sent?: unknown;
  },
  modelId: string,
  secrets: readonly string[],
  now: number,
): ModelError {
  if (status >= 300 && status < 400) return redirectOf(headers, status, modelId, url);
  const serverError = serverErrorOf(parseForeignJson(body), reasonOf(body));
  const { retryAfterMs, resetAt = 0, message } = serverError;
  const about = { modelId, secrets, status, sent: fieldsIn(sent), body };
  return errorOf(kindOf(status, serverError), `answered ${status}`, about, {
    ...serverError,
    retryAfterMs: retryAfterOf(headers.get("retry-after"), now) ?? retryAfterMs ??
      (resetAt > now ? resetAt - now : waitIn(message)),
  });
}

function errorOf(
  kind: ModelErrorKind,
  what: string,
  { modelId, secrets, status, sent, body = "" }: Pick<ModelError, "modelId" | "status" | "sent"> & {
    readonly secrets: readonly string[];
    readonly body?: string;
  },
  serverError: ServerError,
): ModelError {
  const { message, retryAfterMs } = serverError;
  const said = message === undefined ? undefined : cleanServerMessage(message, secrets);
  return new ModelError(`${modelId} ${what}${said === undefined ? "" : `: ${said}`}`, {
    ...{ kind, modelId, status, sent, said, retryAfterMs },
    words: wordsOf(serverError, body, secrets),
    contextWindow: kind === "context_length" ? namedWindow(serverError) : undefined,
  });
}

/** Barnacle follows no redirect, because it would send the key to another server. */
function redirectOf(headers: Headers, status: number, modelId: string, url?: string): ModelError {
  // Only the host is named: the rest of an address can contain a key or personal data.
  const target = URL.parse(headers.get("location") ?? "", url);
  const named = headers.has("location") && target?.host ? target : undefined;
  const redirectedTo = named && `${named.host} (${named.protocol.slice(0, -1)})`;
  const to = redirectedTo === undefined ? "" : ` to ${redirectedTo}`;
  return new ModelError(`${modelId} answered ${status}, a redirect${to}`, {
    kind: "redirected",
    modelId,
    status,
    redirectedTo,
  });
}

/**
 * Makes the error of an answer that is broken, or that broke off with an error object.
 *
 * @param error The error object as the server sent it, parsed; any other value means a broken
 * answer.
 * @param hasBegun Whether the answer has text, so that it is no refusal.
 */
export function brokenAnswerOf(
  error: unknown,
  modelId: string,
  secrets: readonly string[],
  hasBegun = false,
): ModelError {
  const serverError = serverErrorOf({ error });
  const { codes, message, retryAfterMs = waitIn(message) } = serverError;
  const has = (words: RegExp) => codes.some((code) => words.test(code));
  const kind = lacksMemory(serverError)
    ? "no_memory"
    : isTooLong(400, serverError)
    ? "context_length"
    : codes.some((code) => FILTER_CODES.has(code))
    ? "filtered"
    : has(DOWN_CODES)
    ? "unavailable"
    : has(/rate_?limit|throttling|^429$/i)
    ? "rate_limited"
    : !hasBegun && has(/^4(?:00|22)$/) // OpenRouter and vLLM refuse within the stream
    ? "rejected"
    : "not_an_answer";
  const what = codes.length === 0 && message === undefined
    ? "sent an incomplete or malformed answer"
    : "broke off with an error";
  return errorOf(kind, what, { modelId, secrets }, { ...serverError, retryAfterMs });
}

/** Maximum number of characters of the words that a decision reads. */
const WORDS_MAX = 8_000;

/** Words and codes of a refusal; of one without words of its own, all of its body. */
function wordsOf(
  { message = "", codes }: ServerError,
  body: string,
  secrets: readonly string[],
): string {
  const said = message === "" ? body : message;
  return withoutSecrets([said, ...codes].join("\n"), secrets).slice(0, WORDS_MAX);
}

/**
 * Cleans a server's message for an error: short, on one line, without secrets. A key is removed by
 * its beginning, because some servers repeat only a part of it.
 */
export function cleanServerMessage(text: string, secrets: readonly string[]): string {
  const clean = withoutSecrets(text, secrets).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return clean.length > REASON_MAX ? `${clean.slice(0, REASON_MAX - 1)}…` : clean;
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    const beginning = secret.slice(0, KEY_BEGINNING);
    clean = clean.replaceAll(secret, "[secret]");
    if (beginning.length < KEY_BEGINNING) continue;
    clean = clean.replace(new RegExp(`${RegExp.escape(beginning)}\\S*`, "g"), "[secret]");
  }
  return clean;
}

/** Codes of OpenAI, Azure, Alibaba and gateways for a conversation that a filter refuses. */
const FILTER_CODES: ReadonlySet<string> = new Set([
  "content_filter",
  "content_policy_violation",
  "ResponsibleAIPolicyViolation",
  "moderation_blocked",
  "data_inspection_failed",
  "DataInspectionFailed",
  "flagged_input",
]);

/** Codes in the middle of an answer for a server that may work again soon. */
const DOWN_CODES =
  /overloaded|unavailable|^5\d\d$|^server_error$|^(?:internalServer|modelStreamError|modelTimeout)/i;

/** Number of first characters that identify a key. Fewer would match words. */
const KEY_BEGINNING = 6;

const QUOTA_CODES: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "billing_hard_limit_reached",
  "billing_error",
  "exceeded_current_quota_error", // Kimi
  "Arrearage", // Alibaba
  "1113", // Z.ai
]);

/** Anthropic and DeepSeek have no code for it. */
const QUOTA_WORDS = /\bcredit balance is too low\b|\binsufficient balance\b/i;

/** Codes for a request that is longer than the model's context window: OpenAI, llama.cpp. */
const LENGTH_CODES: ReadonlySet<string> = new Set([
  "context_length_exceeded",
  "exceed_context_size_error",
  "string_above_max_length",
  "tokens_limit_reached", // GitHub
  "1261", // Z.ai
]);

/** Statuses with which servers refuse a request that is too long. */
const LENGTH_STATUSES: ReadonlySet<number> = new Set([400, 413, 422, 500]);

/** Anthropic, Google, vLLM, Mistral and gateways have no code of their own, so their words tell. */
const LENGTH_WORDS = new RegExp(
  [
    String.raw`\bcontext (?:length|size|window)\b`,
    String.raw`\bprompt is too long\b`,
    String.raw`\binput token count\b.*\bexceeds?\b`,
    String.raw`\btoo many (?:input |prompt )?tokens\b`,
    String.raw`\breduce the length of the (?:messages|prompt|input)\b`,
    String.raw`\b(?:input|prompt) (?:is too long|exceeds max length)\b`,
    String.raw`\brequest too large\b|\bmessage size\b`, // Groq
    String.raw`\bmaximum (?:prompt|model) length\b|\btoken limit: \d`, // xAI, vLLM, Kimi
    String.raw`\brange of input length\b|\bmax_new_tokens\W+must be\b`, // Alibaba, TGI
  ].join("|"),
  "i",
);

function isTooLong(status: number, { codes, message = "" }: ServerError): boolean {
  if (codes.some((code) => LENGTH_CODES.has(code))) return true;
  if (status === 413 && !/\bimages?\b/i.test(message)) return true;
  if (status === 429) return /\brequest too large\b/i.test(message); // for the tokens of a minute
  return LENGTH_STATUSES.has(status) && LENGTH_WORDS.test(message);
}

/**
 * The words before or after the window's tokens: "maximum context length is 8192 tokens" (OpenAI,
 * vLLM, OpenRouter), "205000 tokens > 200000 maximum" (Anthropic), "exceeds the maximum number of
 * tokens allowed (1048576)" (Google), "too large for model with 32768 maximum context length"
 * (Mistral), "available context size (4096 tokens)" (llama.cpp), and those of Groq, GitHub, xAI, Kimi,
 * Alibaba and TGI.
 */
const NAMED_WINDOW =
  /(?:maximum context length (?:is|of)|tokens >|tokens allowed|available context size|limit:?|max size:|(?:prompt|model) length (?:is|of)|\[1,|must be <=)\s*\(?(\d[\d,]{2,})|\b(\d[\d,]{2,}) maximum context length/i;

/** Tokens of the window that a refusal because of the length names. */
function namedWindow({ window, message = "" }: ServerError): number | undefined {
  const [, after, before] = NAMED_WINDOW.exec(message) ?? [];
  const named = window ?? Number((after ?? before ?? "").replaceAll(",", ""));
  return Number.isSafeInteger(named) && named > 0 ? named : undefined;
}

/** Codes of OpenAI, Groq and Mistral. */
const NO_MODEL_CODES = /^(?:model_not_found|model_decommissioned|invalid_model)$/;

/** Words of Ollama, llama.cpp, LM Studio and vLLM on a machine that is too small for the model. */
const MEMORY_WORDS =
  /\bout of memory\b|\b(?:more|not enough|insufficient) (?:system |gpu |free |available )?(?:memory|v?ram|system resources)\b|\b(?:unable|failed) to allocate\b.*\b(?:buffers?|memory)\b|\bterminated: signal: killed\b/i;

function lacksMemory({ message = "" }: ServerError): boolean {
  return MEMORY_WORDS.test(message);
}

function kindOf(status: number, serverError: ServerError): ModelErrorKind {
  const { codes, message = "" } = serverError;
  if (status !== 429 && lacksMemory(serverError)) return "no_memory";
  if (isTooLong(status, serverError)) return "context_length";
  // Some servers send 400 for these, so their codes decide before the status.
  if (codes.some((code) => NO_MODEL_CODES.test(code))) return "not_found";
  if (codes.some((code) => FILTER_CODES.has(code))) return "filtered"; // also with 403
  if (codes.includes("API_KEY_INVALID")) return "unauthorized"; // Google's, with 400
  // Waiting does not restore a used-up quota.
  const isSpent = codes.some((code) => QUOTA_CODES.has(code)) || QUOTA_WORDS.test(message);
  if (status === 402 || isSpent) return "quota";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 404) return "not_found";
  if (status === 429) return "rate_limited";
  if (status === 408 || status >= 500) return "unavailable";
  return "rejected";
}

function serverErrorOf(body: unknown, message = reasonIn(body)): ServerError {
  // Google sends a list with one error in place of a stream.
  const first = Array.isArray(body) ? body[0] : body;
  const { error = first } = fieldsOf(first);
  if (typeof error !== "object") return { message, codes: [] };
  const { type, code, status, param, details, metadata, n_ctx: window } = fieldsOf(error);
  const reasons = Array.isArray(details) ? details.map(fieldsOf) : []; // Google's
  const delay = reasons.map(({ retryDelay }) => /^(\d+(?:\.\d+)?)s$/.exec(`${retryDelay}`)?.[1])
    .find((seconds) => seconds !== undefined);
  const { flagged_input: flagged, headers } = fieldsOf(metadata); // OpenRouter's
  return {
    message,
    codes: [
      ...[type, code, status, param, flagged === undefined ? undefined : "flagged_input"],
      ...reasons.map(({ reason }) => reason),
    ].filter((one) => typeof one === "string" || typeof one === "number").map(String),
    retryAfterMs: delay !== undefined ? Math.ceil(Number(delay) * 1_000) : undefined,
    resetAt: Number(fieldsOf(headers)["X-RateLimit-Reset"] ?? 0),
    window: typeof window === "number" ? window : undefined,
  };
}
