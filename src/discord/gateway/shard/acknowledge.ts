/**
 * Acknowledges slash commands on the gateway's thread (K5).
 *
 * If a command is not acknowledged within three seconds, Discord tells its user that it failed. The
 * main thread may be busy for longer. So this thread defers each command's answer when it arrives,
 * visible only to that user, and the main thread answers later.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction}
 *
 * @module
 */

import { InteractionResponseTypes, InteractionTypes, MessageFlags } from "@discordeno/types";
import { codeOf } from "../../../lib/error_code.ts";
import { isRecord } from "../../../lib/record.ts";
import { parseForeignJson } from "../../../lib/text/foreign_json.ts";

/** Options of the acknowledgements. */
export interface AcknowledgeOptions {
  /** Base of Discord's REST API with its version: `"https://discord.com/api/v10"`. */
  readonly restUrl: string;
  /** User-Agent in the form that Discord requires. */
  readonly userAgent: string;
}

/** Effects of the acknowledgements. */
export interface AcknowledgePorts {
  /** Sends a request. */
  readonly fetch: typeof fetch;
  /** Takes the HTTP status, or why there is none; never the interaction's token. */
  readonly onDone: (outcome: string, isDone: boolean) => void;
}

/** The type of the dispatches that {@link createAcknowledge} takes. */
export const INTERACTION_CREATE = "INTERACTION_CREATE";

/** Milliseconds after which an acknowledgement would be too late. */
const TIMEOUT_MS = 3_000;

/** Maximum number of tries, because Discord or the connection may fail. */
const MAX_TRIES = 2;

const DEFERRED = JSON.stringify({
  type: InteractionResponseTypes.DeferredChannelMessageWithSource,
  data: { flags: MessageFlags.Ephemeral },
});

/**
 * Overrides `BUN_CONFIG_VERBOSE_FETCH`, by which Bun would print the interaction's token (SEC-R9). In
 * a thread, only this option of a request does.
 */
const UNLOGGED: object = { verbose: false };

/**
 * Creates the function that acknowledges commands.
 *
 * @returns A function that takes an INTERACTION_CREATE as JSON; it never throws.
 */
export function createAcknowledge(
  { restUrl, userAgent }: AcknowledgeOptions,
  { fetch, onDone }: AcknowledgePorts,
): (dispatch: string) => void {
  async function send(url: string, signal: AbortSignal): Promise<number> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": userAgent },
      body: DEFERRED,
      redirect: "manual",
      signal,
      ...UNLOGGED,
    });
    await response.body?.cancel(); // otherwise the connection could not be reused
    return response.status;
  }

  async function acknowledge(id: string, token: string): Promise<void> {
    const path = `/interactions/${encodeURIComponent(id)}/${encodeURIComponent(token)}/callback`;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let outcome = "";
    for (let tries = 0; tries < MAX_TRIES && !signal.aborted; tries++) {
      try {
        const status = await send(restUrl + path, signal);
        outcome = String(status);
        // After a RESUME that replays the command, Discord refuses the second deferral with 400.
        if (status < 500) return onDone(outcome, status < 300 || status === 400);
      } catch (error) {
        outcome = codeOf(error) ?? "no answer"; // the message may quote the URL with the token
      }
    }
    onDone(outcome, false);
  }

  return (dispatch) => {
    const command = commandIn(dispatch);
    if (command) void acknowledge(command.id, command.token);
  };
}

/** @returns `undefined` for other kinds of interactions, and for an unexpected shape. */
function commandIn(
  dispatch: string,
): { readonly id: string; readonly token: string } | undefined {
  const parsed = parseForeignJson(dispatch); // the main thread reads the same text, and logs problems
  const d = isRecord(parsed) ? parsed.d : undefined;
  if (!isRecord(d) || d.type !== InteractionTypes.ApplicationCommand) return undefined;
  const { id, token } = d;
  return typeof id === "string" && typeof token === "string" ? { id, token } : undefined;
}
