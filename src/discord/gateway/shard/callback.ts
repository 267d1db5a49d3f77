/**
 * Sends the first answers to interactions from the gateway's thread (K5).
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction}
 *
 * @module
 */

import { codeOf } from "../../../lib/errors.ts";

/** Options of the answers. */
export interface CallbackOptions {
  /** Base of Discord's REST API with its version: `"https://discord.com/api/v10"`. */
  readonly restUrl: string;
  /** User-Agent in the form that Discord requires. */
  readonly userAgent: string;
}

/** Effects of the answers. */
export interface CallbackPorts {
  /** Sends a request. */
  readonly fetch: typeof fetch;
  /** Takes the HTTP status, or why there is none; never the interaction's token. */
  readonly onDone: (outcome: string, isDone: boolean) => void;
}

/** Answers an interaction with a body of JSON; never throws. */
export type Callback = (
  interaction: { readonly id: string; readonly token: string },
  body: string,
) => void;

/** Milliseconds after which an answer would be too late. */
const TIMEOUT_MS = 3_000;

/** Maximum number of tries, because Discord or the connection may fail. */
const MAX_TRIES = 2;

/**
 * Overrides `BUN_CONFIG_VERBOSE_FETCH`, by which Bun would print the interaction's token (SEC-R9). In
 * a thread, only this option of a request does.
 */
const UNLOGGED: object = { verbose: false };

/** Creates the function that answers interactions. */
export function createCallback(
  { restUrl, userAgent }: CallbackOptions,
  { fetch, onDone }: CallbackPorts,
): Callback {
  async function send(url: string, body: string, signal: AbortSignal): Promise<number> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": userAgent },
      body,
      redirect: "manual",
      signal,
      ...UNLOGGED,
    });
    await response.body?.cancel(); // otherwise the connection could not be reused
    return response.status;
  }

  async function answer(id: string, token: string, body: string): Promise<void> {
    const path = `/interactions/${encodeURIComponent(id)}/${encodeURIComponent(token)}/callback`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let outcome = "";
    for (let tries = 0; tries < MAX_TRIES && !signal.aborted; tries++) {
      try {
        const status = await send(restUrl + path, body, signal);
        outcome = String(status);
        // After a RESUME that replays an interaction, Discord refuses the second answer with 400.
        if (status < 500) return onDone(outcome, status < 300 || status === 400);
      } catch (error) {
        outcome = codeOf(error) ?? "no answer"; // the message may quote the URL with the token
      }
    }
    onDone(outcome, false);
  }

  return ({ id, token }, body) => void answer(id, token, body);
}
