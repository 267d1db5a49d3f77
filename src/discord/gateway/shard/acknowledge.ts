/**
 * Acknowledges slash commands on the gateway's thread (K5).
 *
 * Discord tells the asker that a command failed if it is not acknowledged within three seconds, and
 * the main thread may be busy for longer. So this thread defers each command's answer when it
 * arrives, visible to the asker alone, and the main thread gives the answer later.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction}
 *
 * @module
 */

import { InteractionResponseTypes, InteractionTypes, MessageFlags } from "@discordeno/types";
import { codeOf } from "../../../lib/error_code.ts";
import { isRecord } from "../../../lib/record.ts";

export interface AcknowledgeOptions {
  /** Base of Discord's REST API with its version: `"https://discord.com/api/v10"`. */
  readonly restUrl: string;
  readonly userAgent: string;
}

export interface AcknowledgePorts {
  readonly fetch: typeof fetch;
  /** The HTTP status, or why there is none; never the interaction's token. */
  readonly onDone: (outcome: string, isDone: boolean) => void;
}

/** The type of the dispatches that {@link createAcknowledge} reads. */
export const INTERACTION_CREATE = "INTERACTION_CREATE";

/** Milliseconds; a later answer of Discord's is too late. */
const TIMEOUT_MS = 3_000;

/** A failure of Discord's, or a lost connection, is tried again. */
const MAX_TRIES = 2;

const DEFERRED = JSON.stringify({
  type: InteractionResponseTypes.DeferredChannelMessageWithSource,
  data: { flags: MessageFlags.Ephemeral },
});

/** @returns Takes an INTERACTION_CREATE as it came; never throws. */
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
    });
    await response.body?.cancel(); // or its connection would not be used again
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
        // Discord refuses a second deferral with 400: a RESUME has brought the command again.
        if (status < 500) return onDone(outcome, status < 300 || status === 400);
      } catch (error) {
        outcome = codeOf(error) ?? "no answer"; // a message may quote the address, with the token
      }
    }
    onDone(outcome, false);
  }

  return (dispatch) => {
    const command = commandIn(dispatch);
    if (command) void acknowledge(command.id, command.token);
  };
}

/** @returns `undefined` for interactions of other kinds, and for what does not fit. */
function commandIn(
  dispatch: string,
): { readonly id: string; readonly token: string } | undefined {
  const { d } = parse(dispatch) ?? {};
  if (!isRecord(d) || d.type !== InteractionTypes.ApplicationCommand) return undefined;
  const { id, token } = d;
  return typeof id === "string" && typeof token === "string" ? { id, token } : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined; // the main thread reads the same text, and says so
  }
}
