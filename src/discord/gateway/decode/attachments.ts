/**
 * Decodes the files of a message, so that a turn can read them (H7). `describe.ts` describes them
 * in words.
 *
 * @module
 */

import { type Attachment, MAX_ATTACHMENTS } from "../../../core/discord/attachment.ts";
import { bounded } from "../../../lib/text/cut.ts";
import type { ContentPayload, MessagePayload } from "./payloads.ts";
import type { ForwardRule } from "./places.ts";

/** Maximum characters of a file's name; Discord allows 260. */
const MAX_NAME = 260;
/** Maximum characters of an address; Discord's have some 250. */
const MAX_URL = 2_000;

/** Discord's flag of a file that is hidden behind a spoiler. */
const IS_SPOILER = 1 << 3;

const NONE: readonly Attachment[] = [];

/** A payload of {@link ContentPayload}. */
export type AttachmentPayload = NonNullable<ContentPayload["attachments"]>[number];

/**
 * The files of a message, and of the messages that it forwards as far as the rule lets a model see
 * them.
 */
export function allAttachmentsOf(
  message: Pick<MessagePayload, "attachments" | "message_snapshots">,
  forwards: ForwardRule,
): readonly Attachment[] {
  const { attachments = [], message_snapshots = [] } = message;
  // Most messages have no files.
  if (attachments.length === 0 && message_snapshots.length === 0) return NONE;
  const forwarded = forwards === "nothing"
    ? []
    : message_snapshots.flatMap(({ message: snapshot }) => snapshot.attachments ?? []);
  const shown = forwards === "whole" ? forwarded : forwarded.filter((file) => !isSpoiler(file));
  return [...attachments, ...shown].flatMap((file) => toAttachment(file) ?? [])
    .slice(0, MAX_ATTACHMENTS);
}

/** Whether Discord hides the file until a person clicks it. */
export function isSpoiler({ filename, flags }: AttachmentPayload): boolean {
  return filename.startsWith("SPOILER_") || ((flags ?? 0) & IS_SPOILER) !== 0;
}

/**
 * Reads the facts of a file.
 *
 * @returns `undefined` for a file that cannot be read, because its id or address is missing.
 */
export function toAttachment(payload: AttachmentPayload): Attachment | undefined {
  const { id, url, filename, size, duration_secs, waveform } = payload;
  if (id === undefined || url === undefined || url.length > MAX_URL) return undefined;
  return {
    id,
    name: bounded(filename, MAX_NAME),
    url,
    size,
    ...(typeof duration_secs === "number" && duration_secs > 0 && { durationSec: duration_secs }),
    ...(typeof waveform === "string" && { isVoice: true }),
  };
}
