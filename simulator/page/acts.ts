/** The requests of the page: acts of people, as JSON. The page makes no other ones. */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { storedNameOf } from "../world/media.ts";
import type { Attachment } from "../world/world.ts";

const digits = z.string().regex(/^\d{1,20}$/);
const emoji = z.string().min(1).max(64);
const onMessage = z.strictObject({ as: digits, channel: digits, message: digits, emoji });
const customId = z.string().min(1).max(100);
const newFiles = z.array(z.strictObject({
  name: z.string().min(1).max(260),
  type: z.string().max(200),
  data: z.base64(),
})).max(10);

/** The bodies of the acts, by the names of their paths. */
export const ACTS = {
  say: z.strictObject({
    as: digits,
    channel: digits,
    text: z.string(),
    replyTo: digits.optional(),
    files: newFiles.default([]),
  }).refine(({ text, files }) => text !== "" || files.length > 0),
  type: z.strictObject({ as: digits, channel: digits }),
  react: onMessage,
  unreact: onMessage,
  click: z.strictObject({
    as: digits,
    channel: digits,
    message: digits,
    button: customId,
  }),
  choose: z.strictObject({
    as: digits,
    channel: digits,
    message: digits,
    menu: customId,
    labels: z.array(z.string().max(100)).max(25),
  }),
  kill: z.strictObject({}),
} as const;

/** A file of an act, as people upload it. */
export function toFile(
  { name, type, data }: z.infer<typeof newFiles>[number],
): Omit<Attachment, "id"> {
  const bytes = new Uint8Array(Buffer.from(data, "base64"));
  return {
    ...storedNameOf(name),
    sizeBytes: bytes.length,
    bytes,
    ...(type !== "" && { contentType: type }),
  };
}
