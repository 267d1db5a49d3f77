/**
 * Reads what a message carries beside its text: as words for a model (H3), and as files that a turn
 * can read (H7).
 *
 * All of it is untrusted and bounded: a message may have ten files and ten embeds of 6,000
 * characters. Discord tells votes only of some polls: those of a channel's history, quoted ones,
 * and ended ones. A poll without counts is described without them, since unknown votes are not zero
 * votes.
 *
 * A message in Discord's second layout has no content and no embeds: all its text is in components,
 * which may be nested. All of it is untrusted. So it is read down to a fixed depth, and components
 * with an unexpected shape are left out.
 *
 * @see {@link https://docs.discord.com/developers/resources/poll}
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import { MessageComponentTypes } from "@discordeno/types";
import { createHash } from "node:crypto";
import { z } from "zod";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import type { MessageExtra } from "../../../core/inbound/inbound.ts";
import { withExtras } from "../../../core/inbound/inbound.ts";
import { type Attachment, MAX_ATTACHMENTS } from "../../../core/turn/media.ts";
import { bounded, HIDDEN, withoutSpoilers } from "../../../lib/text/quoted.ts";
import { sizeOf } from "../../../lib/text/units.ts";
import {
  type ContentPayload,
  mediaPayload,
  type MessagePayload,
  type SnapshotPayload,
} from "./payloads.ts";
import type { ForwardRule } from "./decode.ts";

/** Discord's component types, with those that discordeno does not name yet. */
const Type = {
  ...MessageComponentTypes,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Label: 18,
} as const;

/** Maximum nesting. Discord's deepest is a button in a row in a container. */
const MAX_DEPTH = 6;

const text = z.string().optional().catch(undefined);
const children = z.array(z.unknown()).optional().catch(undefined);

const component = () =>
  z.object({
    type: z.number(),
    content: text,
    /** Label of a button, or of a form field. */
    label: text,
    url: text,
    placeholder: text,
    options: z.array(z.object({ label: z.string() })).optional().catch(undefined),
    description: text,
    name: text,
    spoiler: z.boolean().optional().catch(undefined),
    media: z.unknown().optional(),
    file: z.unknown().optional(),
    items: children,
    components: children,
    accessory: z.unknown().optional(),
    component: z.unknown().optional(),
  });
const componentSchema = z.lazy(component);
type ComponentPayload = z.infer<typeof componentSchema>;

/** A gallery's picture has the fields of a component, but no type. */
const gallerySchema = z.lazy(() => component().omit({ type: true }));

/**
 * Describes each text, picture, file, button and menu in a line of its own, in order.
 *
 * @param hidesSpoilers Whether parts behind a spoiler are left out.
 */
export function describeComponents(components: readonly unknown[], hidesSpoilers = false): string {
  return components.flatMap((component) => linesOf(component, 0, hidesSpoilers)).join("\n");
}

function linesOf(value: unknown, depth: number, hidesSpoilers: boolean): readonly string[] {
  const component = componentAt(value, depth);
  if (!component) return [];
  if (hidesSpoilers && component.spoiler) return [HIDDEN];
  const within = childrenOf(component).flatMap((child) => linesOf(child, depth + 1, hidesSpoilers));
  return [...ownLines(component, hidesSpoilers), ...within];
}

function componentAt(value: unknown, depth: number): ComponentPayload | undefined {
  if (depth >= MAX_DEPTH || value === undefined) return undefined;
  return componentSchema.safeParse(value).data;
}

const childrenOf = ({ components = [], component, accessory }: ComponentPayload) => [
  ...components,
  component,
  accessory,
];

export interface ComponentMedia {
  readonly media: unknown;
  /** Whether it, or a component around it, is behind a spoiler. */
  readonly isSpoiler: boolean;
}

function mediaIn(
  values: readonly unknown[],
  isSpoiler = false,
  depth = 0,
): readonly ComponentMedia[] {
  return values.flatMap((value) => {
    const component = componentAt(value, depth);
    if (!component) return [];
    const isHidden = isSpoiler || component.spoiler === true;
    const items = (component.items ?? []).flatMap((item) =>
      gallerySchema.safeParse(item).data ?? []
    );
    const own = [component, ...items].flatMap(({ media, file, spoiler }) =>
      [media, file].filter((one) => one !== undefined)
        .map((media) => ({ media, isSpoiler: isHidden || spoiler === true }))
    );
    return [...own, ...mediaIn(childrenOf(component), isHidden, depth + 1)];
  });
}

function ownLines(component: ComponentPayload, hidesSpoilers: boolean): readonly string[] {
  const { type, content, label, url, placeholder, options = [], items = [] } = component;
  switch (type) {
    case Type.TextDisplay:
      return content ? [content] : [];
    case Type.Button:
      return label ? [`[button: ${url ? `${label}, ${url}` : label}]`] : [];
    case Type.SelectMenu:
    case Type.SelectMenuUsers:
    case Type.SelectMenuRoles:
    case Type.SelectMenuUsersAndRoles:
    case Type.SelectMenuChannels: {
      const labels = options.map(({ label }) => label).join(" / ");
      const parts = [placeholder, labels && `(${labels})`].filter(Boolean).join(" ");
      return parts ? [`[menu: ${parts}]`] : [];
    }
    case Type.Thumbnail:
      return [mediaLine("picture", component)];
    case Type.MediaGallery:
      return items.flatMap((item) => {
        const { data } = gallerySchema.safeParse(item);
        if (!data) return [];
        return [hidesSpoilers && data.spoiler ? HIDDEN : mediaLine("picture", data)];
      });
    case Type.File:
      return [mediaLine("file", component)];
    case Type.Label:
      return label ? [label] : [];
    default:
      return [];
  }
}

function mediaLine(
  kind: string,
  { name, description, spoiler }: Partial<ComponentPayload>,
): string {
  const parts = [name, description, spoiler ? "behind a spoiler" : ""].filter(Boolean).join(", ");
  return parts ? `[${kind}: ${parts}]` : `[${kind}]`;
}

const NONE: readonly MessageExtra[] = [];
const MAX_EXTRAS = 25;
/** Discord allows a file 260 characters of name and 1,024 of alt text, and a poll about 1,500. */
const MAX_EXTRA_CHARS = 2_000;
/** Discord allows 6,000 characters in all embeds of a message. */
const MAX_EMBED_CHARS = 6_000;
const MAX_COMPONENTS_CHARS = 4_000;
/** Maximum characters of a message's text; Discord allows most accounts 2,000, and some 4,000. */
export const MAX_TEXT = 4_000;
/** Maximum characters of a message with its other parts: a quoted or forwarded one. */
const MAX_WHOLE = MAX_TEXT + MAX_EMBED_CHARS;

type MessageParts = ContentPayload & {
  readonly message_snapshots?: MessagePayload["message_snapshots"];
};

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
): readonly MessageExtra[] {
  const { attachments, sticker_items, poll, embeds, components, message_snapshots } = message;
  const isBare = !attachments?.length && !sticker_items?.length && !poll && !embeds?.length &&
    !components?.length && !message_snapshots?.length;
  if (isBare) return NONE;
  const forwarded = (message.message_snapshots ?? []).map((
    { message: snapshot },
  ): MessageExtra => ({
    kind: "forward",
    text: bounded(forwardText(snapshot, forwards), MAX_WHOLE),
  }));
  return [...ownExtras(message), ...forwarded].slice(0, MAX_EXTRAS);
}

/** Returns a message's text, followed by descriptions of its other parts. */
export function fullText(message: MessageParts, forwards?: ForwardRule): string {
  const extras = describeExtras(message, forwards);
  return bounded(withExtras({ text: bounded(message.content, MAX_TEXT), extras }), MAX_WHOLE);
}

function forwardText(snapshot: SnapshotPayload, rule: ForwardRule): string {
  const { content: text } = snapshot;
  switch (rule) {
    case "whole":
      return withExtras({ text, extras: ownExtras(snapshot) });
    case "without-spoilers":
      return withoutSpoilers(withExtras({ text, extras: ownExtras(snapshot, true) }));
    case "nothing":
      return RESTRICTED;
  }
}

function ownExtras(
  { attachments, sticker_items, poll, embeds, components }: ContentPayload,
  hidesSpoilers = false,
): MessageExtra[] {
  const extras: MessageExtra[] = [];
  const add = (kind: MessageExtra["kind"], text: string, maxChars = MAX_EXTRA_CHARS) => {
    if (text !== "") extras.push({ kind, text: bounded(text, maxChars) });
  };
  for (const attachment of attachments ?? []) {
    const { content_type, size, description } = attachment;
    if (hidesSpoilers && isSpoiler(attachment)) {
      add("attachment", "(spoiler)");
      continue;
    }
    const type = content_type ?? "unknown type";
    const alt = description ? `: ${description}` : "";
    add("attachment", `${nameOf(attachment)} (${type}, ${sizeOf(size)})${alt}`);
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

/** Maximum characters of a file's name; Discord allows 260. */
const MAX_NAME = 260;
/** Maximum characters of an address; Discord's have some 250. */
const MAX_URL = 2_000;

const IS_SPOILER = 1 << 3;

const NO_FILES: readonly Attachment[] = [];

type AttachmentPayload = NonNullable<ContentPayload["attachments"]>[number];

/**
 * The files of a message, and of the messages that it forwards as far as the rule lets a model see
 * them: attachments, and pictures of components, stickers and embeds.
 */
export function allAttachmentsOf(
  message: MessageParts,
  forwards: ForwardRule,
): readonly Attachment[] {
  const { message_snapshots = [] } = message;
  const forwarded = forwards === "nothing" ? [] : message_snapshots
    .flatMap(({ message: snapshot }) => filesOf(snapshot, forwards !== "whole"));
  const all = [...filesOf(message), ...forwarded];
  if (all.length === 0) return NO_FILES; // most messages
  return [...new Map(all.map((file) => [file.id, file])).values()].slice(0, MAX_ATTACHMENTS);
}

function filesOf(
  { content, attachments = [], components = [], sticker_items = [], embeds = [] }: ContentPayload,
  hidesSpoilers = false,
): readonly Attachment[] {
  const media = mediaIn(components).flatMap(({ media, isSpoiler }) =>
    toPicture(mediaPayload.safeParse(media).data).map((file) => ({ file, isSpoiler }))
  );
  const hidden = hidesSpoilers
    ? [
      ...media.filter(({ isSpoiler }) => isSpoiler).map(({ file }) => file.id),
      ...attachments.filter(isSpoiler).map(({ id }) => id),
    ]
    : [];
  // Discord hides the preview of a link that is behind a spoiler.
  const shown = hidesSpoilers && content.includes("||") ? [] : embeds;
  return [
    ...attachments.flatMap((file) => toAttachment(file) ?? []),
    ...media.map(({ file }) => file),
    ...sticker_items.flatMap(toSticker),
    ...shown.flatMap(({ image, thumbnail }) => toPicture(image ?? thumbnail)),
  ].filter(({ id }) => !hidden.includes(id));
}

function isSpoiler({ filename, flags }: AttachmentPayload): boolean {
  return filename.startsWith("SPOILER_") || ((flags ?? 0) & IS_SPOILER) !== 0;
}

/** The name that people see. Discord tells the title without the ending of the file. */
function nameOf({ filename, title }: AttachmentPayload): string {
  const ending = /\.\w{1,10}$/.exec(filename)?.[0] ?? "";
  const hasEnding = title?.toLowerCase().endsWith(ending.toLowerCase());
  return bounded(title ? `${title}${hasEnding ? "" : ending}` : filename, MAX_NAME) || "file";
}

/**
 * Reads the facts of a file.
 *
 * @returns `undefined` for a file that cannot be read, because its id or address is missing.
 */
function toAttachment(payload: AttachmentPayload): Attachment | undefined {
  const { id, url, size, duration_secs, waveform } = payload;
  if (id === undefined || url === undefined || url.length > MAX_URL) return undefined;
  return {
    id,
    name: nameOf(payload),
    url,
    size,
    durationSec: typeof duration_secs === "number" && duration_secs > 0 ? duration_secs : undefined,
    isVoice: (typeof waveform === "string") || undefined,
  };
}

/** A picture of an embed or a component. Discord gives one of another host no id. */
function toPicture(media: z.infer<typeof mediaPayload> | undefined): readonly Attachment[] {
  const { url = "", proxy_url: address = url } = media ?? {};
  const { pathname = "" } = URL.parse(url) ?? {};
  if (pathname === "" || address.length > MAX_URL) return [];
  const [, own] = /^\/attachments\/\d+\/(\d+)\//.exec(pathname) ?? [];
  const id = parseSnowflake<"attachment">(own ?? idFor(url));
  const name = bounded(pathname.slice(pathname.lastIndexOf("/") + 1), MAX_NAME) || "picture";
  return id ? [{ id, name, url: address }] : [];
}

/** An id that is the same for the same text. */
function idFor(text: string): string {
  return `${createHash("sha256").update(text).digest().readBigUInt64BE() >> 2n}`;
}

/** Endings of stickers that are pictures, by Discord's number of the format. */
const STICKER_ENDINGS: Readonly<Record<number, string>> = { 1: "png", 2: "png", 4: "gif" };

function toSticker(
  { id, name, format_type = 0 }: NonNullable<ContentPayload["sticker_items"]>[number],
): readonly Attachment[] {
  const ending = STICKER_ENDINGS[format_type];
  if (!id || !ending) return [];
  const url = `https://media.discordapp.net/stickers/${id}.${ending}`;
  return [{ id, name: `${bounded(name, MAX_NAME)}.${ending}`, url }];
}

/** Discord's type of the message that announces the result of a poll. */
export const POLL_RESULT = 46;

type Poll = NonNullable<ContentPayload["poll"]>;
type Embed = NonNullable<ContentPayload["embeds"]>[number];
/** `"Tea? (yes: 3 votes / no: 1 vote; ended)"`, or `"Tea? (yes / no)"` without known votes. */
function describePoll({ question, answers, allow_multiselect, results }: Poll): string {
  const counts = results?.answer_counts;
  const isEnded = results?.is_finalized === true;
  const isCounted = isEnded || counts?.some(({ count }) => count > 0);
  const shown = answers.flatMap(({ answer_id, poll_media }) => {
    const label = labelOf(poll_media);
    if (label === "") return [];
    const count = counts?.find(({ id }) => id === answer_id)?.count ?? 0;
    return [isCounted ? `${label}: ${votes(count)}` : label];
  });
  const facts = [
    shown.join(" / "),
    allow_multiselect ? "several answers allowed" : "",
    isEnded ? "ended" : "",
  ].filter(Boolean).join("; ");
  return [labelOf(question), facts && `(${facts})`].filter(Boolean).join(" ");
}

/**
 * The result in the embed of {@link POLL_RESULT}: `"ended: Tea? yes won with 3 of 4 votes"`.
 *
 * @returns `undefined` for any other embed.
 */
function describePollResult({ type, fields = [] }: Embed): string | undefined {
  if (type !== "poll_result") return undefined;
  const field = (name: string) => fields.find((one) => one.name === name)?.value ?? "";
  const winner = labelOf({
    text: field("victor_answer_text"),
    emoji: { name: field("victor_answer_emoji_name") },
  });
  const total = Number(field("total_votes"));
  const most = Number(field("victor_answer_votes"));
  const result = winner !== ""
    ? `${winner} won with ${most} of ${votes(total)}`
    : most > 0
    ? `no single answer won: several have ${votes(most)} each, of ${total}`
    : "no one voted";
  return ["ended:", field("poll_question_text"), result].filter(Boolean).join(" ");
}

function labelOf({ text, emoji }: Poll["question"]): string {
  return [emoji?.name, text].filter(Boolean).join(" ");
}

function votes(count: number): string {
  return count === 1 ? "1 vote" : `${count} votes`;
}
