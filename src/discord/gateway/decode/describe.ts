/**
 * Describes a message's attachments, embeds and other parts as text for a model (H3).
 *
 * All of them are untrusted and bounded: a message may have ten files and ten embeds of 6,000
 * characters.
 *
 * @module
 */

import type { Extra } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/bounded.ts";
import { describeComponents } from "./describe_components.ts";
import type { ContentPayload, MessagePayload } from "./payloads.ts";

const NONE: readonly Extra[] = [];
const MAX_EXTRAS = 25;
const MAX_EXTRA_CHARS = 1_000;
const MAX_FORWARD_CHARS = 4_000;
const MAX_COMPONENTS_CHARS = 4_000;

/** Describes attachments, stickers, the poll, embeds, components and forwards, in this order. */
export function describeExtras(message: MessagePayload): readonly Extra[] {
  const { attachments, sticker_items, poll, embeds, components, message_snapshots } = message;
  const isBare = !attachments?.length && !sticker_items?.length && !poll && !embeds?.length &&
    !components?.length && !message_snapshots?.length;
  if (isBare) return NONE;
  const forwarded = (message.message_snapshots ?? []).map(({ message: snapshot }): Extra => ({
    kind: "forward",
    text: bounded(fullText(snapshot), MAX_FORWARD_CHARS),
  }));
  return [...ownExtras(message), ...forwarded].slice(0, MAX_EXTRAS);
}

/** Returns a message's text, followed by descriptions of its other parts. */
export function fullText(content: ContentPayload): string {
  return [content.content, ...ownExtras(content).map(({ kind, text }) => `[${kind}: ${text}]`)]
    .filter((text) => text !== "")
    .join("\n");
}

function ownExtras(
  { attachments, sticker_items, poll, embeds, components }: ContentPayload,
): Extra[] {
  const extras: Extra[] = [];
  const add = (kind: Extra["kind"], text: string, maxChars = MAX_EXTRA_CHARS) => {
    if (text !== "") extras.push({ kind, text: bounded(text, maxChars) });
  };
  for (const { filename, content_type, size, description } of attachments ?? []) {
    const type = content_type ?? "unknown type";
    const alt = description ? `: ${description}` : "";
    add("attachment", `${filename} (${type}, ${bytes(size)})${alt}`);
  }
  for (const { name } of sticker_items ?? []) add("sticker", name);
  if (poll) {
    const answers = poll.answers.map(({ poll_media }) => poll_media.text ?? "").filter(Boolean);
    add("poll", `${poll.question.text ?? ""} (${answers.join(" / ")})`);
  }
  for (const { title, description, url, author, fields = [] } of embeds ?? []) {
    const parts = [author?.name, title, description];
    const rows = fields.map(({ name, value }) => `${name}: ${value}`);
    add("embed", [...parts, ...rows, url].filter(Boolean).join("\n"));
  }
  // A message with components may have no other text.
  if (components?.length) add("components", describeComponents(components), MAX_COMPONENTS_CHARS);
  return extras;
}

/** Formats a file size: `"812 B"`, `"12 kB"`, `"3.4 MB"`. */
function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  if (size < 1_000_000) return `${Math.round(size / 1_000)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
