/**
 * Encodes a form as a modal of Discord.
 *
 * @see {@link https://docs.discord.com/developers/components/reference#label}
 *
 * @module
 */

import { InteractionResponseTypes } from "@discordeno/types";
import {
  fieldId,
  type FieldKind,
  type Form,
  type FormField,
  MAX_FIELD_CHARS,
} from "../../../core/people/form.ts";
import { bounded } from "../../../lib/text/cut.ts";

/** Discord's numbers of components, of which Discordeno does not know all. */
const TYPES: Readonly<Record<FieldKind | "label", number>> = {
  select: 3,
  text: 4,
  paragraph: 4,
  user: 5,
  role: 6,
  channel: 8,
  label: 18,
  file: 19,
  radio: 21,
  checkboxes: 22,
  checkbox: 23,
};

/** Discord's limits of texts. */
const MAX_TITLE = 45;
const MAX_HINT = 100;
const MAX_OPTION = 100;

/** Text inputs of one line and of several. */
const SHORT = 1;
const LONG = 2;

/**
 * The answer to an interaction that opens a form.
 *
 * @param customId Comes back with the submitted form.
 */
export function modalAnswer(customId: string, { title, fields }: Form): string {
  return JSON.stringify({
    type: InteractionResponseTypes.Modal,
    data: {
      custom_id: customId,
      title: oneLine(title, MAX_TITLE) || "…",
      components: fields.map(toLabel),
    },
  });
}

function toLabel(field: FormField, index: number): object {
  const hint = oneLine(field.hint ?? "", MAX_HINT);
  return {
    type: TYPES.label,
    label: oneLine(field.label, MAX_TITLE) || `${index + 1}`,
    ...(hint !== "" && { description: hint }),
    component: { type: TYPES[field.kind], custom_id: fieldId(index), ...settingsOf(field) },
  };
}

function settingsOf({ kind, isRequired, options, max }: FormField): object {
  const count = { required: isRequired, min_values: isRequired ? 1 : 0, max_values: max };
  switch (kind) {
    case "text":
      return { style: SHORT, required: isRequired, max_length: MAX_FIELD_CHARS };
    case "paragraph":
      return { style: LONG, required: isRequired, max_length: MAX_FIELD_CHARS };
    case "select":
    case "checkboxes":
      return { ...count, options: optionsOf(options) };
    case "radio":
      return { required: isRequired, options: optionsOf(options) };
    case "checkbox":
      return {};
    case "user":
    case "role":
    case "channel":
    case "file":
      return count;
  }
}

/** The value of an option is its position. */
function optionsOf(options: readonly string[]): readonly object[] {
  return options.map((label, index) => ({
    label: oneLine(label, MAX_OPTION) || `${index + 1}`,
    value: `${index}`,
  }));
}

function oneLine(text: string, max: number): string {
  return bounded(text.replace(/\s+/g, " ").trim(), max);
}
