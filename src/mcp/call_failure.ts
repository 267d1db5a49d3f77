/**
 * Judges a failed call of a tool: whether the server may have run it all the same (T1).
 *
 * @module
 */

import { codeOf } from "../lib/errors.ts";
import { isRecord } from "../lib/text/json.ts";
import { LOST_CODE } from "./answer_body.ts";

/** Codes of a connection that was never made, on all runtimes. */
const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);

/** Words of a library, a transport or a runtime that has sent nothing. */
const NOT_SENT =
  /^(?:Attempted to send a request from a closed client|the program has ended)$|tcp connect error/;

/**
 * Whether the server may have run the call. It has not if it answers with an error, refuses the
 * request, or never got it.
 */
export function mayHaveRun(error: unknown): boolean {
  if (!isRecord(error)) return true;
  const { code, statusCode, message, cause } = error;
  if (typeof code === "number") return code === LOST_CODE; // an error by JSON-RPC
  if (typeof statusCode === "number") return statusCode >= 500;
  if (typeof message === "string" && NOT_SENT.test(message)) return false;
  if (NOT_CONNECTED.has(codeOf(error) ?? "")) return false;
  return cause === undefined || mayHaveRun(cause);
}

/** Whether the library got an answer by JSON-RPC, so that the connection works. */
export function isAnswer(error: unknown): boolean {
  return isRecord(error) && typeof error["code"] === "number" && error["code"] !== LOST_CODE;
}

/** Whether a server that has refused a request of a session no longer knows the session. */
export function isLostSession(error: unknown): boolean {
  if (!isRecord(error)) return false;
  const { code, statusCode, message } = error;
  return statusCode === 404 ||
    typeof code === "number" && typeof message === "string" && /session/i.test(message);
}
