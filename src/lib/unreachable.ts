/**
 * Recognises errors of an unreachable network: look-up, connection or time limit.
 *
 * They are part of daily life, and their stack shows nothing that the message does not.
 *
 * @module
 */

import { codeOf } from "./error_code.ts";

const CODES =
  /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN)$/;

/** Deno gives no code, only the text of its HTTP client. */
const IN_DENO = "client error (Connect)";

/** Causes to look at; a loop of causes ends there. */
const MAX_CAUSES = 5;

/** Tests an error and its causes. */
export function isUnreachable(thrown: unknown): boolean {
  let error = thrown;
  for (let depth = 0; error instanceof Error && depth < MAX_CAUSES; depth++) {
    const isOne = CODES.test(codeOf(error) ?? "") || error.name === "TimeoutError" ||
      error.message.includes(IN_DENO);
    if (isOne) return true;
    error = error.cause;
  }
  return false;
}
