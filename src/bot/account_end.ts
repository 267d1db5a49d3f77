/** Says why an account ended by itself. */

import { TOKEN_HINT } from "../discord/gateway/lifecycle/close_codes.ts";
import type { GatewayFinal } from "../discord/gateway/main/thread.ts";
import { RestError } from "../discord/rest/exchange/exchange.ts";

/** Says why the account ended, and how to fix it. */
export function endReason(end: AccountEnd): string {
  switch (end.kind) {
    case "refused":
    case "stop":
      return end.hint;
    case "give_up":
      return "gave up connecting; run `barnacle doctor` to find the cause, then restart";
    case "worker_died":
      return `the gateway thread died ${end.deaths} times; restart, and report it if it happens again`;
    case "fault":
      return "an internal error, or a fault of this machine; see the log";
  }
}

/** Why an account ended by itself. */
export type AccountEnd =
  | GatewayFinal
  | { readonly kind: "refused"; readonly hint: string }
  | { readonly kind: "fault"; readonly error: unknown };

/**
 * Advice for a token that Discord refuses.
 *
 * @param place Place of the token: `"DISCORD_BOT_TOKEN"`, a file, or a path of the config.
 */
export function tokenHint(place: string): string {
  return `Discord does not accept the bot token of ${place}. Copy it again, or make a new one with ` +
    "Reset Token under Bot at https://discord.com/developers/applications. " +
    `Set it in ${place}, and start Barnacle again`;
}

/** Turns an error into an end: Discord's refusal is final, any other error is a fault. */
export function endOf(error: unknown, tokenPlace: string): AccountEnd {
  if (!(error instanceof RestError)) return { kind: "fault", error };
  const hint = error.kind === "unauthorized" ? tokenHint(tokenPlace) : error.message;
  return { kind: "refused", hint };
}

/** Adds the token's place to the advice of an end that the gateway's thread reports. */
export function withTokenPlace(end: GatewayFinal, tokenPlace: string): AccountEnd {
  const isToken = "hint" in end && end.hint === TOKEN_HINT;
  return isToken ? { ...end, hint: tokenHint(tokenPlace) } : end;
}
