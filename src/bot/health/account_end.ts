/**
 * Says why an account ended by itself.
 *
 * @module
 */

import type { GatewayFinal } from "../../discord/gateway/main/thread.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";

/** Why an account ended by itself. */
export type AccountEnd =
  | GatewayFinal
  | { readonly kind: "refused"; readonly hint: string }
  /** A fault of Barnacle or of the machine. */
  | { readonly kind: "fault"; readonly error: unknown };

/**
 * Turns an error into an end: Discord's refusal of the token is final, any other error is a fault.
 */
export function endOf(error: unknown): AccountEnd {
  return error instanceof RestError
    ? { kind: "refused", hint: error.message }
    : { kind: "fault", error };
}
