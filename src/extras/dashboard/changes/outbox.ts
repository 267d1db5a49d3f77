/** The changes of the page Diagnostics: `barnacle outbox resend` and `drop`. */

import { z } from "zod";
import { type AnyChange, change, RefusedChange } from "../base/page.ts";

const row = z.strictObject({ id: z.coerce.number().int().positive() });

/** Queues an uncertain or dead message again. */
export const resendMessage: AnyChange = change({
  name: "outbox.resend",
  label: "Send again",
  fields: row,
  command: ({ id }) => `barnacle outbox resend ${id}`,
  async run({ store }, { id }) {
    if (await store.outbox.release(id, "resend")) return { text: `Message ${id} is queued again` };
    throw new RefusedChange(
      `Message ${id} cannot be sent again: only uncertain and dead messages can`,
    );
  },
});

/** Gives an unsent message up. */
export const dropMessage: AnyChange = change({
  name: "outbox.drop",
  label: "Drop",
  fields: row,
  command: ({ id }) => `barnacle outbox drop ${id}`,
  confirm: ({ id }) => `Drop message ${id}? Discord never gets it.`,
  async run({ store }, { id }) {
    if (await store.outbox.release(id, "drop")) return { text: `Message ${id} is dropped` };
    throw new RefusedChange(`There is no unsent message ${id} any more`);
  },
});

export const OUTBOX_CHANGES: readonly AnyChange[] = [resendMessage, dropMessage];
