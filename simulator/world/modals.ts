/**
 * Modals: the windows with text fields that an application opens as the answer to an interaction.
 *
 * @see {@link https://docs.discord.com/developers/components/reference#label}
 */

import { z } from "zod";

const id = z.int().min(0).nullish();
const customId = z.string().min(1).max(100);

const text = z.strictObject({
  type: z.literal(4),
  id,
  custom_id: customId,
  style: z.union([z.literal(1), z.literal(2)]),
  placeholder: z.string().max(100).nullish(),
  value: z.string().max(4_000).nullish(),
  min_length: z.int().min(0).max(4_000).nullish(),
  max_length: z.int().min(1).max(4_000).nullish(),
  required: z.boolean().nullish(),
});

/** A modal, in Discord's JSON. */
export const modalBody = z.strictObject({
  custom_id: customId,
  title: z.string().min(1).max(45),
  components: z.array(z.strictObject({
    type: z.literal(18),
    id,
    label: z.string().min(1).max(45),
    description: z.string().min(1).max(100).nullish(),
    component: text,
  })).min(1).max(5),
});

export type Modal = z.infer<typeof modalBody>;
