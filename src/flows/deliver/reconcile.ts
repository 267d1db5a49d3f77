/**
 * Looks for a message in its channel's history.
 *
 * Discord may have created a message without answering our request, and after some minutes a nonce
 * no longer finds it. The history does, or shows that the message is missing. If it can show
 * neither, Barnacle does not send the message twice (D2).
 */

import type { BotAccount } from "../../account/account.ts";
import { type ChannelId, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import {
  type EarliestTime,
  earliestTimeOf,
  isSame,
  type Posted,
  type PostedPage,
  type Unread,
} from "../../core/outbound/delivery.ts";
import { canReadHistory } from "./requests.ts";
import { readPosted, toUnread } from "../../discord/rest/requests/history.ts";

/** The result of looking for a message. `uncertain`: the history can show neither. */
type Reconciled =
  | { readonly kind: "found"; readonly messageId: MessageId }
  | { readonly kind: "absent" }
  | { readonly kind: "uncertain"; readonly reason: string }
  | Unread;

/** Maximum number of pages to read in one look: 1,000 messages. */
export const MAX_PAGES = 10;

const NOT_SHOWN = "the bot may not read the message history of the channel";
const TOO_MUCH = `more than ${MAX_PAGES * 100} messages came after it may have been sent`;
const NOT_READ_YET: Unread = {
  kind: "unread",
  why: "unreachable",
  reason: "Discord has not told yet which user we are",
};

/**
 * Finds out whether Discord has a row's message. Changes nothing.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function reconcile(account: BotAccount, row: OutboxRow): Promise<Reconciled> {
  const { store: { outbox } } = account;
  const self = account.self()?.userId;
  if (self === undefined) return NOT_READ_YET;
  const earliest = earliestTimeOf(row, account.now());
  const files = row.fileCount > 0 ? await outbox.filesOf(row) : [];
  const fileSizes = files.map(({ bytes }) => bytes.length);

  let before: MessageId | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const read = await readPage(account, row.message, before);
    if (read.kind !== "page") return read;
    const alike = read.messages.filter((posted) =>
      posted.authorId === self && isWithin(posted, earliest) &&
      isSame(row.message, fileSizes, posted)
    );
    const found = await firstUnknown(account, row.message.channelId, alike);
    if (found !== undefined) return { kind: "found", messageId: found };
    before = read.oldest ?? before;
    if (read.isLast || isBefore(before, earliest.from)) return { kind: "absent" };
  }
  return isBefore(before, earliest.orFrom)
    ? { kind: "absent" }
    : { kind: "uncertain", reason: TOO_MUCH };
}

/**
 * Reads a page. An empty page means the channel's beginning only if the bot may read the history.
 * So the page is read once more after that check.
 */
async function readPage(
  account: BotAccount,
  message: OutboundMessage,
  before: MessageId | undefined,
): Promise<PostedPage | Unread | { readonly kind: "uncertain"; readonly reason: string }> {
  const { channelId } = message;
  const page = await readPosted(account.rest, channelId, before);
  if (page.kind === "unread" || page.oldest !== undefined) return page;
  const may = await canReadHistory(account, message).catch(toUnread);
  if (may === false) return { kind: "uncertain", reason: NOT_SHOWN };
  if (may !== true) return may;
  return await readPosted(account.rest, channelId, before);
}

/** Two rows with one text are two messages: a message of another row is not this one's. */
async function firstUnknown(
  { store: { outbox } }: BotAccount,
  channelId: ChannelId,
  alike: readonly Posted[],
): Promise<MessageId | undefined> {
  if (alike.length === 0) return undefined;
  const ids = alike.map(({ id }) => id);
  const known = await outbox.known(channelId, ids);
  return ids.find((id) => !known.has(id));
}

function isWithin({ id }: Posted, { from }: EarliestTime): boolean {
  return createdAtMs(id) >= from;
}

function isBefore(id: MessageId | undefined, time: number): boolean {
  return id !== undefined && createdAtMs(id) < time;
}
