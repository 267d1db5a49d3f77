/**
 * Decodes the files of a message, so that a turn can read them (H7). `describe.ts` describes them
 * in words.
 *
 * @module
 */

import { type Attachment, MAX_ATTACHMENTS } from "../../../core/inbound/attachment.ts";
import { bounded } from "../../../lib/bounded.ts";
import type { ContentPayload, MessagePayload } from "./payloads.ts";

/** Maximum characters of a file's name; Discord allows 260. */
const MAX_NAME = 260;
/** Maximum characters of an address; Discord's have some 250. */
const MAX_URL = 2_000;

/** A payload of {@link ContentPayload}. */
type AttachmentPayload = NonNullable<ContentPayload["attachments"]>[number];

/** The files of a message, without those of a message that it forwards. */
export function attachmentsOf(
  { attachments }: Pick<ContentPayload, "attachments">,
): readonly Attachment[] {
  return (attachments ?? []).flatMap((payload) => toAttachment(payload) ?? [])
    .slice(0, MAX_ATTACHMENTS);
}

/** The files of the messages that a message forwards. */
export function forwardedAttachmentsOf(
  { message_snapshots }: Pick<MessagePayload, "message_snapshots">,
): readonly Attachment[] {
  return (message_snapshots ?? []).flatMap(({ message }) => attachmentsOf(message));
}

/** @returns `undefined` for a file that cannot be read, because its id or address is missing. */
function toAttachment(payload: AttachmentPayload): Attachment | undefined {
  const { id, url, filename, size, width, height, duration_secs, waveform } = payload;
  if (id === undefined || url === undefined || url.length > MAX_URL) return undefined;
  const pixels = (width ?? 0) * (height ?? 0);
  return {
    id,
    name: bounded(filename, MAX_NAME),
    url,
    size,
    ...(pixels > 0 && { pixels }),
    ...(typeof duration_secs === "number" && duration_secs > 0 && { durationSec: duration_secs }),
    ...(typeof waveform === "string" && { isVoice: true }),
  };
}
