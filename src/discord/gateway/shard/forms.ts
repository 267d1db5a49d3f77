/**
 * Opens forms on the gateway's thread (K5, T10).
 *
 * A form must be the first answer to the press of its button, within three seconds, and the main
 * thread may be busy for longer. So the main thread gives this thread the open forms before their
 * buttons are sent. To open a form changes nothing: the store checks the submitted form (SEC-R19).
 *
 * @module
 */

import type { OfferedForm } from "../../../core/people/form.ts";
import type { Callback } from "./callback.ts";
import { modalAnswer } from "./modal.ts";

/** The press of a button, as the gateway tells it. */
export interface Press {
  /** Id of the interaction. */
  readonly id: string;
  /** Answers the interaction: a secret. */
  readonly token: string;
  /** Name of the button. */
  readonly customId: string;
  /** The channel in which it was pressed. */
  readonly channelId: string;
  /** The person. */
  readonly userId: string;
}

/** The forms that people may open. */
export interface Forms {
  /** Replaces the forms. */
  set(forms: readonly OfferedForm[]): void;
  /** Opens the form of a pressed button. @returns Whether there is one for this person. */
  pressed(press: Press): boolean;
}

/** Creates the forms: none. */
export function createForms(callback: Callback, now: () => number): Forms {
  let offered: ReadonlyMap<string, OfferedForm> = new Map();
  return {
    set: (forms) => void (offered = new Map(forms.map((form) => [form.customId, form]))),
    pressed({ id, token, customId, channelId, userId }) {
      const form = offered.get(customId);
      if (!form || form.channelId !== channelId || form.expiresAt <= now()) return false;
      if (form.asked !== "anyone" && !form.asked.includes(userId)) return false;
      callback({ id, token }, modalAnswer(customId, form.form));
      return true;
    },
  };
}
