/**
 * Decodes the data of a submitted modal: texts, choices and files.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure}
 *
 * @module
 */

import { z } from "zod";
import type { Submission } from "../../../../core/people/form.ts";
import { bounded } from "../../../../lib/text/cut.ts";
import { toAttachment } from "../attachments.ts";
import { attachmentPayload } from "../payloads.ts";

const MAX_NAME = 100;

/** Builds the schema. Each input is inside a label or an action row. */
export function modalData() {
  const input = z.object({
    custom_id: z.string(),
    value: z.union([z.string(), z.boolean()]).nullish(),
    values: z.array(z.string()).nullish(),
  });
  const named = z.object({
    name: z.string().nullish(),
    username: z.string().nullish(),
    global_name: z.string().nullish(),
  });
  const allNamed = z.record(z.string(), named).nullish().catch(undefined);
  return z.object({
    custom_id: z.string(),
    components: z.array(z.union([
      z.object({ component: input }).transform(({ component }) => [component]),
      z.object({ components: z.array(input) }).transform(({ components }) => components),
      z.unknown().transform(() => []), // text between the inputs
    ])),
    resolved: z.object({
      users: allNamed,
      roles: allNamed,
      channels: allNamed,
      attachments: z.record(z.string(), attachmentPayload).nullish().catch(undefined),
    }).nullish().catch(undefined),
  });
}

/** The person's values, with the names and files that Discord tells of them. */
export function toSubmission(
  { components, resolved }: z.infer<ReturnType<typeof modalData>>,
): Submission {
  const { users, roles, channels, attachments } = resolved ?? {};
  const names = Object.entries({ ...users, ...roles, ...channels }).flatMap(([id, given]) => {
    const name = given.global_name ?? given.name ?? given.username;
    return name ? [[id, bounded(name, MAX_NAME)] as const] : [];
  });
  const files = Object.entries(attachments ?? {}).flatMap(([id, payload]) => {
    const attachment = toAttachment(payload);
    return attachment ? [[id, attachment] as const] : [];
  });
  return {
    fields: Object.fromEntries(
      components.flat().map(({ custom_id, value, values }) => [custom_id, values ?? value ?? ""]),
    ),
    ...(names.length > 0 && { names: Object.fromEntries(names) }),
    ...(files.length > 0 && { files: Object.fromEntries(files) }),
  };
}
