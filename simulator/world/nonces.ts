/**
 * What Discord remembers of the nonces it has seen.
 *
 * Told apart by author, not by channel, and only for a while: Discord says
 * "the past few minutes" and names no figure, so the window is an argument.
 *
 * @module
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */

import type { ChannelId, MessageId, Snowflake } from "../../src/core/discord/ids.ts";

export interface SeenNonce {
  readonly channelId: ChannelId;
  readonly messageId: MessageId;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface NonceTable {
  /** How long a nonce is remembered, in milliseconds; a test may change it at any time. */
  windowMs: number;
  /** By author and nonce, the oldest first. */
  readonly seen: Map<string, SeenNonce>;
}

/** @param windowMs How long a nonce is remembered, in milliseconds. */
export function createNonceTable(windowMs: number): NonceTable {
  return { windowMs, seen: new Map() };
}

/** The message that this author made with this nonce, if it is still remembered. */
export function findNonce(
  table: NonceTable,
  authorId: Snowflake,
  nonce: string | number,
  now: number,
): SeenNonce | undefined {
  const found = table.seen.get(keyOf(authorId, nonce));
  return found && now - found.at < table.windowMs ? found : undefined;
}

/** Remembers a nonce, and forgets what has grown too old. */
export function noteNonce(
  table: NonceTable,
  authorId: Snowflake,
  nonce: string | number,
  seen: SeenNonce,
): void {
  const key = keyOf(authorId, nonce);
  table.seen.delete(key); // so that it goes to the end: the map is in the order of time
  table.seen.set(key, seen);
  for (const [oldest, { at }] of table.seen) {
    if (seen.at - at < table.windowMs) break;
    table.seen.delete(oldest);
  }
}

/** The number 1 and the text "1" are one nonce, as they are in JSON to a reader of text. */
function keyOf(authorId: Snowflake, nonce: string | number): string {
  return `${authorId} ${nonce}`;
}
