/**
 * Describes a message's attachments, embeds and other parts as text for a model (H3).
 *
 * All of them are untrusted and bounded: a message may have ten files and ten embeds of 6,000
 * characters.
 *
 * @module
 */

import type { Extra } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/text/cut.ts";
import { withoutSpoilers } from "../../../lib/text/quoted.ts";
import { isSpoiler } from "./attachments.ts";
import { describeComponents } from "./describe_components.ts";
import { describePoll, describePollResult, type Embed } from "./describe_poll.ts";
import type { ContentPayload, MessagePayload, SnapshotPayload } from "./payloads.ts";
import type { ForwardRule } from "./places.ts";
import { tagOf } from "./senders.ts";

const NONE: readonly Extra[] = [];
const MAX_EXTRAS = 25;
const MAX_EXTRA_CHARS = 1_000;
/** Most of the 6,000 characters that Discord allows in all embeds of a message. */
const MAX_EMBED_CHARS = 4_000;
const MAX_FORWARD_CHARS = 4_000;
const MAX_COMPONENTS_CHARS = 4_000;

/** A message, or a quoted one. */
export type MessageParts = ContentPayload & Pick<MessagePayload, "message_snapshots">;

/** The text of a forward from an age-restricted channel (H9). */
const RESTRICTED = "(not shown: it is from an age-restricted channel)";

/**
 * Describes attachments, stickers, the poll, embeds, components and forwards, in this order.
 *
 * @param forwards How much of a forwarded message to describe; by default, all.
 */
export function describeExtras(
  message: MessageParts,
  forwards: ForwardRule = "whole",
): readonly Extra[] {
  const { attachments, sticker_items, poll, embeds, components, message_snapshots } = message;
  const isBare = !attachments?.length && !sticker_items?.length && !poll && !embeds?.length &&
    !components?.length && !message_snapshots?.length;
  if (isBare) return NONE;
  const forwarded = (message.message_snapshots ?? []).map(({ message: snapshot }): Extra => ({
    kind: "forward",
    text: bounded(forwardText(snapshot, forwards), MAX_FORWARD_CHARS),
  }));
  return [...ownExtras(message), ...forwarded].slice(0, MAX_EXTRAS);
}

/** Returns a message's text, followed by descriptions of its other parts. */
export function fullText(message: MessageParts, forwards?: ForwardRule): string {
  return withExtras(message.content, describeExtras(message, forwards));
}

function withExtras(text: string, extras: readonly Extra[]): string {
  return [text, ...extras.map((extra) => `[${extra.kind}: ${extra.text}]`)]
    .filter((part) => part !== "")
    .join("\n");
}

function forwardText(snapshot: SnapshotPayload, rule: ForwardRule): string {
  const { author, content } = snapshot;
  const text = author ? `from ${tagOf(author)}: ${content}` : content;
  switch (rule) {
    case "whole":
      return withExtras(text, ownExtras(snapshot));
    case "without-spoilers":
      return withoutSpoilers(withExtras(text, ownExtras(snapshot, true)));
    case "nothing":
      return RESTRICTED;
  }
}

function ownExtras(
  { attachments, sticker_items, poll, embeds, components }: ContentPayload,
  hidesSpoilers = false,
): Extra[] {
  const extras: Extra[] = [];
  const add = (kind: Extra["kind"], text: string, maxChars = MAX_EXTRA_CHARS) => {
    if (text !== "") extras.push({ kind, text: bounded(text, maxChars) });
  };
  for (const attachment of attachments ?? []) {
    const { filename, content_type, size, description } = attachment;
    if (hidesSpoilers && isSpoiler(attachment)) {
      add("attachment", "(spoiler)");
      continue;
    }
    const type = content_type ?? "unknown type";
    const alt = description ? `: ${description}` : "";
    add("attachment", `${filename} (${type}, ${bytes(size)})${alt}`);
  }
  for (const { name } of sticker_items ?? []) add("sticker", name);
  if (poll) add("poll", describePoll(poll));
  for (const embed of embeds ?? []) {
    const result = describePollResult(embed);
    if (result !== undefined) {
      add("poll", result);
      continue;
    }
    add("embed", embedText(embed), MAX_EMBED_CHARS);
  }
  // A message with components may have no other text.
  if (components?.length) {
    add("components", describeComponents(components, hidesSpoilers), MAX_COMPONENTS_CHARS);
  }
  return extras;
}

/** All texts of an embed, in the order in which Discord shows them; its address is last. */
function embedText(embed: Embed): string {
  const { provider, author, title, description, fields = [], footer, url } = embed;
  const rows = fields.map(({ name, value }) => `${name}: ${value}`);
  const alts = (["image", "thumbnail", "video"] as const).map((kind) => {
    const alt = embed[kind]?.description;
    return alt && `${kind}: ${alt}`;
  });
  const parts = [provider?.name, author?.name, title, description, ...rows, ...alts, footer?.text];
  return [...parts, url].filter(Boolean).join("\n");
}

/** Formats a file size: `"812 B"`, `"12 kB"`, `"3.4 MB"`. */
function bytes(size: number): string {
  if (size < 1_000) return `${size} B`;
  if (size < 1_000_000) return `${Math.round(size / 1_000)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
