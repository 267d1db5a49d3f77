/**
 * A form that a person fills in: one text (T13a). Discord shows it in a window.
 *
 * Discord checks a form in the person's client. A client can send anything, so the store checks the
 * text again.
 */

export interface Form {
  readonly title: string;
  /** Label of its field. */
  readonly label: string;
}

/** The `custom_id` of the field. */
export const FIELD = "text";

/** Maximum characters of a text field at Discord. */
export const MAX_FIELD_CHARS = 4_000;

/** A form that people may open now, for the thread that answers their presses (K5). */
export interface OfferedForm {
  /** `custom_id` of the button that opens it. */
  readonly customId: string;
  readonly channelId: string;
  /** The people who may open it. */
  readonly asked: readonly string[] | "anyone";
  /** Unix time in milliseconds after which it opens no more. */
  readonly expiresAt: number;
  readonly form: Form;
}

/** Maximum number of forms that the gateway's thread keeps. The main thread opens others. */
export const MAX_OFFERED = 100;
