/**
 * Remembers nonces as Discord does.
 *
 * Discord keeps them by author, not by channel, and only for a while. It says "the past few
 * minutes" and names no figure, so the window is a parameter.
 *
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
  /** Milliseconds for which a nonce is remembered; a test may change it at any time. */
  windowMs: number;
  /** By author and nonce, oldest first. */
  readonly seen: Map<string, SeenNonce>;
}

/** @param windowMs Milliseconds for which a nonce is remembered. */
export function createNonceTable(windowMs: number): NonceTable {
  return { windowMs, seen: new Map() };
}

/** The author's message with this nonce, if it is still remembered. */
export function findNonce(
  table: NonceTable,
  authorId: Snowflake,
  nonce: string | number,
  now: number,
): SeenNonce | undefined {
  const found = table.seen.get(keyOf(authorId, nonce));
  return found && now - found.at < table.windowMs ? found : undefined;
}

/** Remembers a nonce, and forgets those that are too old. */
export function noteNonce(
  table: NonceTable,
  authorId: Snowflake,
  nonce: string | number,
  seen: SeenNonce,
): void {
  const key = keyOf(authorId, nonce);
  table.seen.delete(key); // moves it to the end: the map is in the order of time
  table.seen.set(key, seen);
  for (const [oldest, { at }] of table.seen) {
    if (seen.at - at < table.windowMs) break;
    table.seen.delete(oldest);
  }
}

/** The number 1 and the text "1" are the same nonce. */
function keyOf(authorId: Snowflake, nonce: string | number): string {
  return `${authorId} ${nonce}`;
}
