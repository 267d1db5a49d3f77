/**
 * Sends the first answers to interactions from the gateway's thread, and opens forms (K5, T13a).
 *
 * A form must be the first answer to the press of its button, within three seconds, and the main
 * thread may be busy for longer. So the main thread gives this thread the open forms before their
 * buttons are sent. To open a form changes nothing: the store checks the submitted form (SEC-R19).
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction}
 * @see {@link https://docs.discord.com/developers/components/reference#label}
 */

import type { Clock } from "../../../lib/clock.ts";
import { InteractionResponseTypes } from "@discordeno/types";
import { FIELD, type Form, MAX_FIELD_CHARS, type OfferedForm } from "../../../core/people/form.ts";
import type { GatewayOptions } from "../link/protocol.ts";
import { bounded } from "../../../lib/text/cut.ts";
import { codeOf } from "../../../lib/errors.ts";

/** The press of a button, as the gateway tells it. */
export interface Press {
  readonly id: string;
  /** Answers the interaction: a secret. */
  readonly token: string;
  /** Name of the button. */
  readonly customId: string;
  readonly channelId: string;
  readonly userId: string;
}

/** Creates the forms: none. */
export function createForms(callback: Callback, now: Clock["now"]) {
  let offered: ReadonlyMap<string, OfferedForm> = new Map();
  return {
    set: (forms: readonly OfferedForm[]): void =>
      void (offered = new Map(forms.map((form) => [form.customId, form]))),
    /** Opens the form of a pressed button. @returns Whether there is one for this person. */
    pressed({ id, token, customId, channelId, userId }: Press): boolean {
      const form = offered.get(customId);
      if (!form || form.channelId !== channelId || form.expiresAt <= now()) return false;
      if (form.asked !== "anyone" && !form.asked.includes(userId)) return false;
      callback({ id, token }, modalAnswer(customId, form.form));
      return true;
    },
  };
}

/** The forms that people may open. */
export type Forms = ReturnType<typeof createForms>;

/** Discord's numbers of a label and of a text input, and of the input's style of one line. */
const LABEL = 18;
const TEXT_INPUT = 4;
const SHORT = 1;

/** Discord's limit of titles and labels. */
const MAX_TITLE = 45;

/**
 * The answer to an interaction that opens a form.
 *
 * @param customId Comes back with the submitted form.
 */
export function modalAnswer(customId: string, { title, label }: Form): string {
  const component = {
    ...{ type: TEXT_INPUT, custom_id: FIELD, style: SHORT },
    ...{ required: true, max_length: MAX_FIELD_CHARS },
  };
  return JSON.stringify({
    type: InteractionResponseTypes.Modal,
    data: {
      custom_id: customId,
      title: oneLine(title),
      components: [{ type: LABEL, label: oneLine(label), component }],
    },
  });
}

function oneLine(text: string): string {
  return bounded(text.replace(/\s+/g, " ").trim(), MAX_TITLE) || "…";
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

/**
 * Creates the function that answers interactions.
 *
 * @param onDone Takes the HTTP status, or why there is none, and the interaction's id; never its token.
 */
export function createCallback(
  { restUrl, userAgent }: Pick<GatewayOptions, "restUrl" | "userAgent">,
  fetch: typeof globalThis.fetch,
  onDone: (outcome: string, isDone: boolean, id: string) => void,
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
        if (status < 500) return onDone(outcome, status < 300 || status === 400, id);
      } catch (error) {
        outcome = codeOf(error) ?? "no answer"; // the message may quote the URL with the token
      }
    }
    onDone(outcome, false, id);
  }

  return ({ id, token }, body) => void answer(id, token, body);
}
