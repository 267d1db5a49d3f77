/**
 * Opens forms on the gateway's thread (K5, T10).
 *
 * A form must be the first answer to the press of its button, within three seconds, and the main
 * thread may be busy for longer. So the main thread gives this thread the open forms before their
 * buttons are sent. To open a form changes nothing: the store checks the submitted form (SEC-R19).
 *
 * @module
 */

import type { Form, OfferedForm } from "../../../core/people/form.ts";
import { createNewestSet } from "../../../lib/newest_set.ts";
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
  /** Opens the form of a pressed button, if there is one for this person. */
  pressed(press: Press): void;
  /** Opens a form for the main thread, unless this thread has answered that press. */
  open(press: Pick<Press, "id" | "token" | "customId">, form: Form): void;
}

/** Presses that are remembered, so that none is answered twice. */
const REMEMBERED = 1_000;

/** Creates the forms: none. */
export function createForms(callback: Callback, now: () => number): Forms {
  let offered: ReadonlyMap<string, OfferedForm> = new Map();
  const opened = createNewestSet<string>(REMEMBERED);

  function open({ id, token, customId }: Pick<Press, "id" | "token" | "customId">, form: Form) {
    if (opened.has(id)) return;
    opened.add(id);
    callback({ id, token }, modalAnswer(customId, form));
  }

  return {
    set: (forms) => void (offered = new Map(forms.map((form) => [form.customId, form]))),
    pressed(press) {
      const form = offered.get(press.customId);
      if (!form || form.channelId !== press.channelId || form.expiresAt <= now()) return;
      if (form.asked !== "anyone" && !form.asked.includes(press.userId)) return;
      open(press, form.form);
    },
    open,
  };
}
