/**
 * Creates, edits and deletes messages of people and bots.
 *
 * {@link postMessage} implements Discord's rule for nonces. The same author with the same nonce
 * gets the existing message. If that message was deleted, the answer is "unknown message" (10008).
 * Barnacle's exactly-once delivery relies on this rule.
 *
 * @see {@link https://docs.discord.com/developers/resources/message}
 */

import { parseSnowflake, type Snowflake, type UserId } from "../../src/core/discord/ids.ts";
import { type Access, may, openChannel } from "../world/access.ts";
import { findMessage } from "./history.ts";
import { changeThread } from "./changes.ts";
import { IS_COMPONENTS_V2, textOf } from "../world/components.ts";
import { isEmpty, type MessageDraft, type MessageEdit } from "./draft.ts";
import { resolvePings } from "./mentions.ts";
import { findNonce, noteNonce } from "../world/nonces.ts";
import { channelPermissions, PERMISSION } from "../world/permissions.ts";
import { joined } from "./threads.ts";
import { areWithinUploadLimit, isArchivedThread, postingRefusal } from "./posting_rules.ts";
import { type Outcome, refuse, refuseForm } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import {
  type Attachment,
  type Author,
  type Channel,
  isPrivate,
  type Message,
  type Pings,
  type Reference,
  type World,
  type WorldEvent,
} from "../world/world.ts";

/** A message that was created, or found by its nonce; then there is no event. */
export interface Posted {
  readonly message: Message;
  readonly isRepeat: boolean;
}

export function postMessage(
  world: World,
  channelId: string,
  author: Author,
  draft: MessageDraft,
  now: number,
): Outcome<Posted> {
  const access = accessOf(world, channelId, author);
  if (access.kind === "refused") return access;
  const refused = postingRefusal(world, access.channel, author, draft);
  if (refused) return refused;

  const authorId = idOf(author);
  if (draft.nonce !== undefined && draft.enforceNonce) {
    const seen = findNonce(world.nonces, authorId, draft.nonce, now);
    if (seen) {
      const message = world.channels.get(seen.channelId)?.messages.get(seen.messageId);
      if (!message) return refuse("unknownMessage");
      return { kind: "done", value: { message, isRepeat: true }, events: [] };
    }
  }
  const reference = resolveReference(world, access.channel, author, draft);
  if (reference.kind === "refused") return reference;

  const { channel, events } = awake(world, access.channel);
  const message: Message = {
    id: nextId<"message">(world.ids, now),
    channelId: channel.id,
    author,
    content: asKept(draft.content),
    ...(draft.nonce !== undefined && { nonce: draft.nonce }),
    ...(reference.value && { reference: reference.value }),
    pings: pingsOf(world, channel, author, {
      content: textOf(draft),
      ...(draft.allowedMentions && { allowedMentions: draft.allowedMentions }),
    }, reference.value),
    attachments: attached(world, draft.attachments, now),
    embeds: draft.embeds,
    components: draft.components,
    ...(draft.more && { more: draft.more }),
    flags: draft.flags,
    isTts: draft.isTts,
    ...(draft.poll && { poll: draft.poll }),
    ...(draft.stickerIds && { stickerIds: draft.stickerIds }),
    reactions: new Map(),
  };
  keep(world, channel, message);
  if (draft.nonce !== undefined) {
    const seen = { channelId: message.channelId, messageId: message.id, at: now };
    noteNonce(world.nonces, authorId, draft.nonce, seen);
  }
  return {
    kind: "done",
    value: { message, isRepeat: false },
    events: [...events, { kind: "message_created", message }, ...joinedBy(channel, author)],
  };
}

/** Changes one of the author's own messages. */
export function editMessage(
  world: World,
  channelId: string,
  messageId: string,
  editor: UserId,
  edit: MessageEdit,
  now: number,
): Outcome<Message> {
  const found = findMessage(world, channelId, messageId, editor);
  if (found.kind === "refused") return found;
  const { channel, message } = found;
  if (message.author.kind !== "user" || message.author.userId !== editor) {
    return refuse("notYourMessage");
  }
  if (isArchivedThread(channel)) return refuse("threadArchived");
  if (!areWithinUploadLimit(world, channel, edit.attachments?.add ?? [])) return refuse("tooLarge");
  const wasSecond = message.flags & IS_COMPONENTS_V2; // no edit removes this flag
  const flags = (edit.flags ?? message.flags) | wasSecond;
  const content = asKept(edit.content ?? message.content);
  if (flags & IS_COMPONENTS_V2 && content !== "") {
    return refuseForm({
      path: ["content"],
      code: "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
      message: "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
    });
  }
  const components = edit.components ?? message.components;
  const changed: Message = {
    ...message,
    content,
    editedAt: now,
    pings: pingsOf(
      world,
      channel,
      message.author,
      {
        content: textOf({ content, components }),
        ...(edit.allowedMentions && { allowedMentions: edit.allowedMentions }),
      },
      message.reference,
    ),
    embeds: edit.embeds ?? message.embeds,
    components,
    flags,
    attachments: edit.attachments
      ? [
        ...message.attachments.filter(({ id }) =>
          edit.attachments?.keep === "all" || edit.attachments?.keep.includes(id)
        ),
        ...attached(world, edit.attachments.add, now),
      ]
      : message.attachments,
  };
  if (isEmpty({ ...changed, hasMore: changed.more !== undefined })) return refuse("emptyMessage");
  channel.messages.set(message.id, changed); // an existing key keeps its place
  return { kind: "done", value: changed, events: [{ kind: "message_updated", message: changed }] };
}

/** Deletes a message: one's own, or with the permission another author's. */
export function deleteMessage(
  world: World,
  channelId: string,
  messageId: string,
  actor: UserId,
): Outcome<Message> {
  const found = findMessage(world, channelId, messageId, actor);
  if (found.kind === "refused") return found;
  const { channel, message } = found;
  const isOwn = message.author.kind === "user" && message.author.userId === actor;
  if (!isOwn && isPrivate(channel)) return refuse("notInDms");
  if (!isOwn && !may(world, channel, actor, "manage_messages")) return refuse("missingPermissions");
  channel.messages.delete(message.id);
  return { kind: "done", value: message, events: [{ kind: "message_deleted", message }] };
}

/** Writing in an archived thread opens it again; its readers get that event first. */
function awake(
  world: World,
  channel: Channel,
): { readonly channel: Channel; readonly events: readonly WorldEvent[] } {
  if (channel.kind !== "thread" || !channel.isArchived) return { channel, events: [] };
  const event = changeThread(world, channel, { isArchived: false });
  return { channel: world.channels.get(channel.id) ?? channel, events: [event] };
}

/** Writing in a thread makes the author its member. */
function joinedBy(channel: Channel, author: Author): readonly WorldEvent[] {
  return channel.kind === "thread" && author.kind === "user" ? joined(channel, author.userId) : [];
}

/** Normalises a text as Discord does: no white space at its ends, and one kind of line break. */
function asKept(content: string): string {
  return content.replaceAll("\r\n", "\n").trim();
}

function attached(
  world: World,
  files: MessageDraft["attachments"],
  now: number,
): readonly Attachment[] {
  return files.map((file) => {
    const attachment: Attachment = { ...file, id: nextId<"attachment">(world.ids, now) };
    world.media.keep(attachment);
    return attachment;
  });
}

type Referred =
  | { readonly kind: "found"; readonly value: Reference | undefined }
  | ReturnType<typeof refuse>;

function resolveReference(
  world: World,
  channel: Channel,
  author: Author,
  { reference }: MessageDraft,
): Referred {
  if (!reference) return { kind: "found", value: undefined };
  const from = reference.channelId === undefined || reference.channelId === channel.id
    ? channel
    : channelOf(world, reference.channelId);
  if (reference.kind === "reply" && from !== channel) {
    return refuseForm({
      path: ["message_reference"],
      code: "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL",
      message: "Cannot reply to a message in a different channel",
    });
  }
  if (author.kind === "user" && !may(world, channel, author.userId, "read_history")) {
    return refuse("cannotReplyUnread");
  }
  const messageId = parseSnowflake<"message">(reference.messageId);
  const target = messageId && from?.messages.get(messageId);
  if (target) {
    const { id, channelId } = target;
    return { kind: "found", value: { kind: reference.kind, messageId: id, channelId } };
  }
  if (!reference.failIfNotExists && reference.kind === "reply") {
    return { kind: "found", value: undefined };
  }
  return refuseForm({
    path: ["message_reference"],
    code: "REPLIES_UNKNOWN_MESSAGE",
    message: "Unknown message",
  });
}

function pingsOf(
  world: World,
  channel: Channel,
  author: Author,
  { content, allowedMentions }: Pick<MessageDraft, "content" | "allowedMentions">,
  reference: Reference | undefined,
): Pings {
  const guild = isPrivate(channel) ? undefined : world.guilds.get(channel.guildId);
  const bits = author.kind === "user" && !isPrivate(channel)
    ? channelPermissions(world, channel, author.userId)
    : 0n;
  const quoted = reference?.kind === "reply"
    ? world.channels.get(reference.channelId)?.messages.get(reference.messageId)
    : undefined;
  return resolvePings(content, {
    world,
    mayMentionAll: (bits & PERMISSION.mentionEveryone) !== 0n,
    ...(guild && { guild }),
    ...(allowedMentions && { allowed: allowedMentions }),
    ...(quoted?.author.kind === "user" && { repliedTo: quoted.author.userId }),
  });
}

function keep(world: World, channel: Channel, message: Message): void {
  channel.messages.set(message.id, message);
  channel.lastMessageId = message.id;
  if (channel.messages.size <= world.keptPerChannel) return;
  for (const oldest of channel.messages.keys()) {
    channel.messages.delete(oldest);
    return;
  }
}

function accessOf(world: World, channelId: string, author: Author): Access {
  if (author.kind === "user") return openChannel(world, channelId, author.userId, "send");
  const channel = channelOf(world, channelId);
  return channel ? { kind: "allowed", channel } : refuse("unknownChannel");
}

function channelOf(world: World, id: string): Channel | undefined {
  const channelId = parseSnowflake<"channel">(id);
  return channelId && world.channels.get(channelId);
}

function idOf(author: Author): Snowflake {
  return author.kind === "user" ? author.userId : author.webhook.id;
}
