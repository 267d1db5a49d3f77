/**
 * Looks into a channel for a message that may be there.
 *
 * Discord may have created what it never answered for, and after some minutes a
 * nonce finds it no more. Its history does, or shows that the message is not
 * there; where it can show neither, nobody sends it twice (D2).
 *
 * @module
 */

import {
  type ChannelId,
  createdAtMs,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { OutboundFile, OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import {
  isSame,
  type Posted,
  type PostedPage,
  type Reach,
  reachOf,
  type Unread,
} from "../../core/outbound/posted.ts";

export interface ReconcilePorts {
  readonly outbox: {
    filesOf(row: OutboxRow): Promise<readonly OutboundFile[]>;
    /** Which of these are messages of ours on record already. */
    known(
      channelId: ChannelId,
      messageIds: readonly MessageId[],
    ): Promise<ReadonlySet<MessageId>>;
  };
  /** Reads the page before a message, or the newest one; only a bug of ours makes it reject. */
  readonly history: (channelId: ChannelId, before?: MessageId) => Promise<PostedPage | Unread>;
  /** Without the permission Discord shows an empty history, not an error. */
  readonly canReadHistory: (
    place: Pick<OutboundMessage, "channelId" | "guildId" | "of">,
  ) => Promise<boolean>;
  /** Who we are at Discord; `undefined` until that is known. */
  readonly self: () => UserId | undefined;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export type Looked =
  | { readonly kind: "found"; readonly messageId: MessageId }
  | { readonly kind: "absent" }
  | { readonly kind: "uncertain"; readonly reason: string }
  | Unread;

/** Pages that one look reads, at most: 1,000 messages. */
export const MAX_PAGES = 10;

const NOT_SHOWN = "the bot may not read the message history of the channel";
const TOO_MUCH = `more than ${MAX_PAGES * 100} messages came after it may have been sent`;
const NOBODY_YET: Unread = {
  kind: "unread",
  why: "unreachable",
  reason: "Discord has not told yet which user we are",
};

/** Tells whether Discord has a message that was to be posted; changes nothing. */
export async function reconcile(row: OutboxRow, ports: ReconcilePorts): Promise<Looked> {
  const self = ports.self();
  if (self === undefined) return NOBODY_YET;
  const reach = reachOf(row, ports.now());
  const files = row.fileCount > 0 ? await ports.outbox.filesOf(row) : [];
  const fileSizes = files.map(({ bytes }) => bytes.length);

  let before: MessageId | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const read = await readPage(row.message, before, ports);
    if (read.kind !== "page") return read;
    const alike = read.messages.filter((posted) =>
      posted.authorId === self && isWithin(posted, reach) && isSame(row.message, fileSizes, posted)
    );
    const found = await firstUnknown(row.message.channelId, alike, ports);
    if (found !== undefined) return { kind: "found", messageId: found };
    before = read.oldest ?? before;
    if (read.isLast || isBefore(before, reach.from)) return { kind: "absent" };
  }
  return isBefore(before, reach.orFrom)
    ? { kind: "absent" }
    : { kind: "uncertain", reason: TOO_MUCH };
}

/**
 * An empty page is the beginning of the channel only where more would be shown.
 * It is read once more, so that the permission was there before it was.
 */
async function readPage(
  message: OutboundMessage,
  before: MessageId | undefined,
  { history, canReadHistory }: ReconcilePorts,
): Promise<PostedPage | Unread | { readonly kind: "uncertain"; readonly reason: string }> {
  const { channelId } = message;
  const page = await history(channelId, before);
  if (page.kind === "unread" || page.oldest !== undefined) return page;
  if (!await canReadHistory(message)) return { kind: "uncertain", reason: NOT_SHOWN };
  return await history(channelId, before);
}

/** Two rows of one text are two messages: what another row has is not this one's. */
async function firstUnknown(
  channelId: ChannelId,
  alike: readonly Posted[],
  { outbox }: ReconcilePorts,
): Promise<MessageId | undefined> {
  if (alike.length === 0) return undefined;
  const ids = alike.map(({ id }) => id);
  const known = await outbox.known(channelId, ids);
  return ids.find((id) => !known.has(id));
}

function isWithin({ id }: Posted, { from }: Reach): boolean {
  return createdAtMs(id) >= from;
}

function isBefore(id: MessageId | undefined, time: number): boolean {
  return id !== undefined && createdAtMs(id) < time;
}
