/**
 * Tells a model server's refusals apart by who can do what about them.
 *
 * It judges statuses, headers and the codes of error objects. A server's own words count only for
 * failures that some servers give no code: a request that is too long, too little memory, a wrong key
 * and used-up credit; and the words for a refused part of a request (`refused/walks.ts`).
 */

import { retryAfterOf } from "../lib/network/backoff.ts";
import { ModelError, type ModelErrorKind } from "../core/model.ts";
import { reasonIn, reasonOf, waitIn } from "../lib/network/server_reason.ts";
import { parseForeignJson } from "../lib/text/quoted.ts";
import { fieldsOf } from "./answer_parts.ts";
import { WHOLE } from "./event_body.ts";

export const REASON_MAX = 300;

interface ServerError {
  /** An HTTP status: the answer's, else one in the body. */
  readonly status?: number;
  readonly message?: string;
  /** Codes, types and names of fields. */
  readonly codes: readonly string[];
  readonly retryAfterMs?: number;
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
  { status, headers, body, url }: {
    /** HTTP status. */
    readonly status: number;
    readonly headers: Headers;
    /** The beginning of the body, as far as it was read. */
    readonly body: string;
    /** Address of the request, against which a redirect's target is resolved. */
    readonly url?: string;
  },
  modelId: string,
  secrets: readonly string[],
  now: number,
): ModelError {
  if (status >= 300 && status < 400) return redirectOf(headers, status, modelId, url);
  const told = serverErrorOf(parseForeignJson(body), now, reasonOf(body));
  const serverError = {
    ...told,
    status,
    retryAfterMs: retryAfterOf(headers.get("retry-after"), now) ?? told.retryAfterMs,
  };
  const about = { modelId, secrets, status, body };
  return errorOf(kindOf(serverError, false), `answered ${status}`, about, serverError);
}

function errorOf(
  kind: ModelErrorKind,
  what: string,
  { modelId, secrets, status, body = "" }: Pick<ModelError, "modelId" | "status"> & {
    readonly secrets: readonly string[];
    readonly body?: string;
  },
  serverError: ServerError,
): ModelError {
  const { message, retryAfterMs } = serverError;
  const said = message === undefined ? undefined : cleanServerMessage(message, secrets);
  return new ModelError(`${modelId} ${what}${said === undefined ? "" : `: ${said}`}`, {
    kind,
    modelId,
    status,
    said,
    retryAfterMs,
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
 * Makes the error of an answer that is broken, or that broke off with an error.
 *
 * @param error The error as the server sent it, parsed; `undefined` means a broken answer.
 * @param hasBegun Whether the answer has text, so that it is no refusal.
 */
export function brokenAnswerOf(
  error: unknown,
  modelId: string,
  secrets: readonly string[],
  hasBegun = false,
): ModelError {
  const message = typeof error === "string" ? reasonOf(error) : reasonIn(error);
  const serverError = serverErrorOf(error, Date.now(), message);
  const isMalformed = error === undefined;
  const isUnclear = message === undefined && serverError.codes.length === 0 ||
    typeof error === "string" && !/^\s*[[{]/.test(error);
  const kind = isMalformed ? "not_an_answer" : kindOf(serverError, hasBegun || isUnclear);
  const what = isMalformed ? "sent an incomplete or malformed answer" : "broke off with an error";
  return errorOf(kind, what, { modelId, secrets }, serverError);
}

/** Lists with an answer, in all formats. */
const ANSWERS = ["choices", "output", "content", "candidates"];

/**
 * Reads an event, or a whole body with status 200. One without a part of an answer is an error,
 * wherever the server put it; a whole body also if it says nothing.
 *
 * @param event Type of the event.
 * @returns The JSON, or the value to make an error of; `undefined` for half of an answer.
 */
export function readEventBody(
  data: string,
  event?: string,
): { readonly value: object } | { readonly fault: unknown } {
  const value = parseForeignJson(data);
  if (value === undefined) {
    return {
      fault: event === "error" || event === WHOLE && !/^[{[]/.test(data) ? data : undefined,
    };
  }
  const fault = faultIn(value, event);
  if (fault !== undefined) return { fault };
  return typeof value === "object" ? { value: value ?? {} } : { fault: undefined };
}

function faultIn(value: unknown, event?: string): unknown {
  const [first = value] = [value].flat();
  const fields = fieldsOf(first);
  const { type, error, base_resp: base, object, message } = fields;
  if (event === "error" || type === "error" || error) return value;
  if (fieldsOf(base)["status_code"]) return value;
  if (ANSWERS.some((name) => Array.isArray(fields[name]))) return undefined;
  if (event === WHOLE) return value ?? {};
  if (typeof object === "string" && object !== "error") return undefined;
  const isCode = [fields["code"], fields["status"]].some((one) => Number(one) >= 400);
  if (isCode) return value;
  return reasonIn(first) === undefined || typeof message === "object" ? undefined : value;
}

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

/** Codes of a server that is overloaded, or whose own servers do not answer it. */
const BUSY_CODES = /overloaded|unavailable|^modelTimeout/i;
/** Codes of a server that has failed. */
const FAILED_CODES = /^server_error$|^(?:internal|modelStreamError)/i;

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

function isTooLong({ status = 400, codes, message = "" }: ServerError): boolean {
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

/** Codes and words for a wrong key: Google's and xAI's come with 400. */
const KEY_CODES = /^(?:api_key_invalid|invalid_api_key|authentication_error|unauthenticated)$/i;
const KEY_WORDS =
  /\b(?:incorrect|invalid) api[- ]?key\b|\bapi[- ]?key (?:is )?(?:not valid|invalid)\b/i;

/** Words for used-up credit that come with the statuses of a wrong key or a refusal. */
const CREDIT_WORDS =
  /\bcredits?\b|\bbalance\b|\bbilling\b|\bspending limit\b|\bpayment\b|\btop up\b|\bin arrears\b/i;

/** Codes for a call that the model wrote and its server cannot read. */
const UNREAD_CODES = /^(?:tool_use_failed|malformed_function_call)$/i;

/** Judges an error. @param hasBegun Whether it came after text, so that it is no refusal. */
function kindOf(serverError: ServerError, hasBegun: boolean): ModelErrorKind {
  const { status = 0, codes, message = "" } = serverError;
  const has = (words: RegExp) => codes.some((code) => words.test(code));
  if (status !== 429 && lacksMemory(serverError)) return "no_memory";
  if (isTooLong(serverError)) return "context_length";
  // Some servers send 400 for these, so their codes decide before the status.
  if (has(NO_MODEL_CODES)) return "not_found";
  if (codes.some((code) => FILTER_CODES.has(code))) return "filtered"; // also with 403
  if (has(UNREAD_CODES)) return "unread_call";
  // Waiting does not restore a used-up quota.
  const isSpent = codes.some((code) => QUOTA_CODES.has(code)) || QUOTA_WORDS.test(message) ||
    (status === 401 || status === 403) && CREDIT_WORDS.test(message);
  if (status === 402 || isSpent) return "quota";
  const isOfKey = has(KEY_CODES) || (status === 400 || status === 0) && KEY_WORDS.test(message);
  if (isOfKey || status === 401 || status === 403) return "unauthorized";
  if (status === 404) return "not_found";
  if (status === 429 || has(/rate_?limit|throttling/i)) return "rate_limited";
  // A gateway has 502 and above for servers behind it.
  if (status === 408 || status > 501 || has(BUSY_CODES)) return "unavailable";
  if (status >= 500 || has(FAILED_CODES)) return "server_error";
  return hasBegun ? "not_an_answer" : "rejected";
}

/** Milliseconds until a time: seconds, `6m0s` or a Unix time. */
function timeIn(value: string, now: number): number | undefined {
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number)) {
    const at = number > 1e11 ? number : number > 1e9 ? number * 1_000 : now + number * 1_000;
    return Math.max(0, Math.ceil(at - now));
  }
  return waitIn(`retry ${value}`, now);
}

/** Objects within an error that may have its code. */
const WITHIN = ["error", "errors", "detail", "details", "base_resp", "metadata", "raw", "message"];
const CODES = ["type", "code", "status", "status_code", "error_code", "param", "reason"];

/** All objects of an error, the outer ones first. */
function objectsIn(value: unknown, depth = 6): readonly Readonly<Record<string, unknown>>[] {
  if (depth === 0) return [];
  if (Array.isArray(value)) return value.slice(0, 3).flatMap((one) => objectsIn(one, depth - 1));
  if (typeof value === "string" && /^\s*[[{]/.test(value)) {
    return objectsIn(parseForeignJson(value), depth - 1);
  }
  if (typeof value !== "object" || value === null) return [];
  const fields = fieldsOf(value);
  return [fields, ...WITHIN.flatMap((name) => objectsIn(fields[name], depth - 1))];
}

function serverErrorOf(body: unknown, now: number, message: string | undefined): ServerError {
  const objects = objectsIn(body);
  const all = objects.flatMap((one) => CODES.map((name) => one[name]))
    .filter((one) => typeof one === "string" || typeof one === "number").map(String);
  const named = objects.some((one) => one["flagged_input"] !== undefined) ? ["flagged_input"] : [];
  const first = (name: string) => objects.map((one) => one[name]).find((one) => one !== undefined);
  const headers = fieldsOf(first("headers")); // OpenRouter's
  const reset = [headers["X-RateLimit-Reset"], first("retryDelay"), first("retry_after")]
    .find((one) => typeof one === "string" || typeof one === "number");
  const window = first("n_ctx");
  return {
    status: all.map(Number).find((code) => code >= 400 && code < 600),
    message,
    codes: [...all.filter((code) => code !== "error"), ...named],
    retryAfterMs: (reset === undefined ? undefined : timeIn(String(reset), now)) ??
      waitIn(message, now),
    window: typeof window === "number" ? window : undefined,
  };
}
