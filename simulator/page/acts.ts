/** The requests of the page: acts of people, as JSON. The page makes no other ones. */

import { z } from "zod";

const digits = z.string().regex(/^\d{1,20}$/);
const customId = z.string().min(1).max(100);
/** The bodies of the acts, by the names of their paths. */
export const ACTS = {
  say: z.strictObject({
    as: digits,
    channel: digits,
    text: z.string().min(1),
    replyTo: digits.optional(),
  }),
  click: z.strictObject({ as: digits, channel: digits, message: digits, button: customId }),
  choose: z.strictObject({
    as: digits,
    channel: digits,
    message: digits,
    menu: customId,
    labels: z.array(z.string().max(100)).max(25),
  }),
  call: z.strictObject({ as: digits, channel: digits }),
  speak: z.strictObject({ as: digits, channel: digits, text: z.string().min(1).max(200) }),
  hangUp: z.strictObject({ as: digits, channel: digits }),
  kill: z.strictObject({}),
} as const;
