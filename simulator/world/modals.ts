/**
 * Modals: the windows with fields that an application opens as the answer to an interaction.
 *
 * @see {@link https://docs.discord.com/developers/components/reference#label}
 */

import { z } from "zod";
import { menuOptions } from "./components.ts";

const id = z.int().min(0).nullish();
const customId = z.string().min(1).max(100);
const isRequired = z.boolean().nullish();
const count = {
  min_values: z.int().min(0).max(25).nullish(),
  max_values: z.int().min(1).max(25).nullish(),
  required: isRequired,
};

const text = z.strictObject({
  type: z.literal(4),
  id,
  custom_id: customId,
  style: z.union([z.literal(1), z.literal(2)]),
  placeholder: z.string().max(100).nullish(),
  value: z.string().max(4_000).nullish(),
  min_length: z.int().min(0).max(4_000).nullish(),
  max_length: z.int().min(1).max(4_000).nullish(),
  required: isRequired,
});
const menu = z.strictObject({
  type: z.literal(3),
  id,
  custom_id: customId,
  placeholder: z.string().max(150).nullish(),
  ...count,
  options: menuOptions.max(25),
});
const accounts = z.strictObject({
  type: z.union([z.literal(5), z.literal(6), z.literal(7), z.literal(8)]),
  id,
  custom_id: customId,
  placeholder: z.string().max(150).nullish(),
  ...count,
});
const files = z.strictObject({
  type: z.literal(19),
  id,
  custom_id: customId,
  min_values: z.int().min(0).max(10).nullish(),
  max_values: z.int().min(1).max(10).nullish(),
  required: isRequired,
  file_types: z.array(z.union([z.enum(["image", "video", "audio"]), z.string().regex(/^\../)]))
    .max(10).nullish(),
});
const radio = z.strictObject({
  type: z.literal(21),
  id,
  custom_id: customId,
  required: isRequired,
  options: menuOptions.min(2).max(10),
});
const checkboxes = z.strictObject({
  type: z.literal(22),
  id,
  custom_id: customId,
  min_values: z.int().min(0).max(10).nullish(),
  max_values: z.int().min(1).max(10).nullish(),
  required: isRequired,
  options: menuOptions.max(10),
});
const checkbox = z.strictObject({
  type: z.literal(23),
  id,
  custom_id: customId,
  default: z.boolean().nullish(),
});

const input = z.discriminatedUnion("type", [
  text,
  menu,
  accounts,
  files,
  radio,
  checkboxes,
  checkbox,
]);

/** A modal, in Discord's JSON. */
export const modalBody = z.strictObject({
  custom_id: customId,
  title: z.string().min(1).max(45),
  components: z.array(z.strictObject({
    type: z.literal(18),
    id,
    label: z.string().min(1).max(45),
    description: z.string().min(1).max(100).nullish(),
    component: input,
  })).min(1).max(5),
}).superRefine(({ components }, context) => {
  const ids = components.map(({ component }) => component.custom_id);
  if (new Set(ids).size === ids.length) return;
  context.addIssue({
    code: "custom",
    params: { code: "COMPONENT_CUSTOM_ID_DUPLICATED" },
    message: "Component custom id cannot be duplicated",
  });
});

export type Modal = z.infer<typeof modalBody>;
export type ModalInput = Modal["components"][number]["component"];

/** A value that a person gives in a field: texts, choices, ids, or yes and no. */
export type ModalValue = string | boolean | readonly string[];

/** Why Discord's client does not send this value; `undefined` if it does. */
export function valueProblem(field: ModalInput, value: ModalValue | undefined): string | undefined {
  if (field.type === 23) {
    return value === undefined || typeof value === "boolean" ? undefined : "yes or no";
  }
  const isRequired = field.required ?? true;
  const isEmpty = value === undefined || value === "" || (Array.isArray(value) && !value.length);
  if (isEmpty) return isRequired ? "a value" : undefined;
  if (field.type === 4) {
    const max = field.max_length ?? 4_000;
    return typeof value === "string" && value.length <= max ? undefined : `up to ${max} characters`;
  }
  const values = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  const max = field.type === 21 ? 1 : field.max_values ?? (field.type === 22 ? 10 : 1);
  if (values.length > max) return `up to ${max} values`;
  if (!("options" in field)) return undefined;
  const known = new Set(field.options.map((option) => option.value));
  return values.every((one) => known.has(one)) ? undefined : "an option";
}
