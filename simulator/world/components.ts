/**
 * The components of a message: rows of buttons.
 *
 * Only components that bots such as Barnacle send are supported. Select menus and texts of the new
 * layout are refused, because nothing here could use them.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import { z } from "zod";

/** A row of a message, in Discord's JSON. */
export interface ActionRow {
  readonly type: 1;
  readonly id: number;
  readonly components: readonly Button[];
}

export interface Button {
  readonly type: 2;
  readonly id: number;
  readonly style: 1 | 2 | 3 | 4;
  readonly custom_id: string;
  readonly label?: string;
  readonly emoji?: Readonly<Record<string, unknown>>;
  readonly disabled?: boolean;
}

const id = z.int().min(0).nullish();

const button = z.strictObject({
  type: z.literal(2),
  id,
  style: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  custom_id: z.string().min(1).max(100),
  label: z.string().max(80).nullish(),
  emoji: z.strictObject({ id: z.string().nullish(), name: z.string().nullish() }).nullish(),
  disabled: z.boolean().nullish(),
}).superRefine(({ label, emoji }, context) => {
  if (label || emoji) return;
  context.addIssue({
    code: "custom",
    params: { code: "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED" },
    message: "A button must have a label or emoji",
  });
});

const row = z.strictObject({
  type: z.literal(1),
  id,
  components: z.array(button).min(1).max(5),
});

/** The rows of one message; custom ids are unique in it. */
export const actionRows = z.array(row).max(5).superRefine((rows, context) => {
  const seen = new Set<string>();
  for (const [at, { components }] of rows.entries()) {
    for (const [index, { custom_id: customId }] of components.entries()) {
      if (seen.has(customId)) {
        context.addIssue({
          code: "custom",
          path: [at, "components", index, "custom_id"],
          params: { code: "COMPONENT_CUSTOM_ID_DUPLICATED" },
          message: "Component custom id cannot be duplicated",
        });
      }
      seen.add(customId);
    }
  }
});

/** Numbers the components without a number, from 1 in order. */
export function numbered(rows: z.infer<typeof actionRows>): readonly ActionRow[] {
  let last = 0;
  const next = (given: number | null | undefined): number => {
    last += 1;
    return given || last;
  };
  return rows.map((given) => ({
    type: given.type,
    id: next(given.id),
    components: given.components.map(({ type, id: own, style, custom_id, ...more }): Button => ({
      type,
      id: next(own),
      style,
      custom_id,
      ...(more.label && { label: more.label }),
      ...(more.emoji && { emoji: more.emoji }),
      ...(more.disabled && { disabled: true }),
    })),
  }));
}
