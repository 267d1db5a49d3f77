/**
 * Writes a message of Discord as one line of JSON, as the model reads histories.
 *
 * @module
 */

import type { ShownMessage } from "./ports/discord.ts";

/**
 * A message as one line.
 *
 * @param cut Bounds the text.
 */
export function shownLine(
  { id, from, fromId, timestampMs, replyTo, text }: ShownMessage,
  cut: (text: string) => string,
): string {
  return JSON.stringify({
    id,
    from,
    from_id: fromId,
    at: new Date(timestampMs).toISOString(),
    reply_to: replyTo,
    text: cut(text),
  });
}
