/**
 * Forms that a person fills in: their fields, and the check of a submitted form (T10).
 *
 * Discord checks a form in the person's client. A client can send anything, so the answer is checked
 * again by the form that the store has.
 */

import type { Attachment } from "../discord/attachment.ts";
import { parseSnowflake } from "../discord/ids.ts";

/** A kind of field; each is a component of Discord's modals. */
export type FieldKind =
  | "text"
  | "paragraph"
  | "select"
  /** One of a few options, all of them visible. */
  | "radio"
  /** Some of a few options, all of them visible. */
  | "checkboxes"
  /** Yes or no. */
  | "checkbox"
  | "user"
  | "role"
  | "channel"
  | "file";

/** One field of a form. Its position is its key. */
export interface FormField {
  readonly kind: FieldKind;
  readonly label: string;
  /** Explanation below the label; absent for none. */
  readonly hint?: string;
  /** Whether the person must fill it in. */
  readonly isRequired: boolean;
  /** Options of `select`, `radio` and `checkboxes`; empty for others. */
  readonly options: readonly string[];
  /** Maximum number of chosen options, people, roles, channels or files. */
  readonly max: number;
  /** What may be uploaded: groups of Discord's, and endings such as `".csv"`; absent: anything. */
  readonly types?: readonly string[];
  /** Text that stands in a text field at first; absent: none. */
  readonly value?: string;
  /** Whether a checkbox is ticked at first. */
  readonly isChecked?: boolean;
}

/** Discord's groups of file types. Which endings they have is Discord's to say, and may change. */
export const FILE_GROUPS = ["image", "video", "audio"] as const;

/** Maximum number of types that Discord takes for one field. */
export const MAX_FILE_TYPES = 10;

/** A form: Discord shows it in a window. */
export interface Form {
  readonly title: string;
  /** 1 to {@link MAX_FIELDS} fields. */
  readonly fields: readonly FormField[];
}

/** Maximum number of fields of a form at Discord. */
export const MAX_FIELDS = 5;

/** Maximum characters of a text field at Discord. */
export const MAX_FIELD_CHARS = 4_000;

export type FieldAnswer =
  | { readonly kind: "text"; readonly text: string }
  /** Positions of the chosen options. */
  | { readonly kind: "picked"; readonly picked: readonly number[] }
  | { readonly kind: "checked"; readonly isChecked: boolean }
  /** People, roles or channels; the names are theirs, and untrusted. */
  | {
    readonly kind: "chosen";
    readonly chosen: readonly { readonly id: string; readonly name?: string }[];
  }
  | { readonly kind: "files"; readonly files: readonly Attachment[] };

/** A form as a client has sent it. All of it is untrusted. */
export interface Submission {
  /** Values by the `custom_id` of the component. */
  readonly fields: Readonly<Record<string, string | boolean | readonly string[]>>;
  /** Names of people, roles and channels by id, as Discord tells them; absent: none. */
  readonly names?: Readonly<Record<string, string>>;
  /** Uploaded files by id; absent: none. */
  readonly files?: Readonly<Record<string, Attachment>>;
}

/** The `custom_id` of the component of a field. */
export function fieldId(index: number): string {
  return `field${index}`;
}

/**
 * Reads a submitted form.
 *
 * @returns An answer for each field; `undefined` if the submission does not fit the form.
 */
export function readForm(
  { fields }: Form,
  submitted: Submission,
): readonly FieldAnswer[] | undefined {
  const answers = fields.map((field, index) => {
    const id = fieldId(index);
    const value = Object.hasOwn(submitted.fields, id) ? submitted.fields[id] : undefined;
    return readField(field, value, submitted);
  });
  const all = answers.filter((answer) => answer !== undefined);
  return all.length === fields.length ? all : undefined;
}

function readField(
  field: FormField,
  value: Submission["fields"][string] | undefined,
  submitted: Submission,
): FieldAnswer | undefined {
  if (field.kind === "checkbox") {
    return { kind: "checked", isChecked: (value ?? field.isChecked) === true };
  }
  if (field.kind === "text" || field.kind === "paragraph") {
    const text = typeof value === "string" ? value : "";
    const fits = text.length <= MAX_FIELD_CHARS && (text.trim() !== "" || !field.isRequired);
    return fits ? { kind: "text", text } : undefined;
  }
  const values = listOf(value);
  const isCountRight = values.length <= field.max && (values.length > 0 || !field.isRequired) &&
    new Set(values).size === values.length;
  if (!isCountRight) return undefined;
  switch (field.kind) {
    case "select":
    case "radio":
    case "checkboxes": {
      const picked = values.map((key) => field.options.findIndex((_, index) => `${index}` === key));
      return picked.includes(-1) ? undefined : { kind: "picked", picked };
    }
    case "user":
    case "role":
    case "channel":
      return values.every((id) => parseSnowflake(id) !== undefined)
        ? { kind: "chosen", chosen: values.map((id) => chosenOf(id, submitted)) }
        : undefined;
    case "file": {
      const files = values.flatMap((id) => ownOf(submitted.files, id) ?? []);
      const isRight = files.length === values.length &&
        files.every(({ name }) => mayUpload(name, field.types));
      return isRight ? { kind: "files", files } : undefined;
    }
  }
}

/** Whether a field takes a file of this name. Only endings are checked: a group is Discord's to know. */
function mayUpload(name: string, types: FormField["types"]): boolean {
  if (!types || types.some((type) => FILE_GROUPS.some((group) => group === type))) return true;
  return types.some((ending) => name.toLowerCase().endsWith(ending.toLowerCase()));
}

/** A radio group has one value or none; all others have a list. */
function listOf(value: Submission["fields"][string] | undefined): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value : [];
}

function chosenOf(id: string, { names }: Submission): { readonly id: string; name?: string } {
  const name = ownOf(names, id);
  return { id, name };
}

function ownOf<Value>(
  values: Readonly<Record<string, Value>> | undefined,
  key: string,
): Value | undefined {
  return values !== undefined && Object.hasOwn(values, key) ? values[key] : undefined;
}

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
