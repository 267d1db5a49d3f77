/**
 * The tool `read_channel_history`: earlier messages of the channel that the turn answers in (T6).
 *
 * Nothing is read that the asker may not read (T4). The messages pass the same policy as live ones.
 *
 * @module
 */

import { z } from "zod";
import { compareIds, parseSnowflake } from "../../core/discord/ids.ts";
import type { Overheard } from "../../core/inbound/transcript.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

const input = z.object({
  limit: z.int().min(1).max(100).default(50).describe("How many messages to read."),
  before: z.string().optional().describe(
    "Id of a message: reads only older messages. Without it, reads the newest ones before the question.",
  ),
});

/** Reads earlier messages of the turn's channel. */
export const readChannelHistory: Tool = defineTool({
  name: "read_channel_history",
  description:
    "Reads earlier messages of this channel or thread, one JSON object per line, oldest " +
    "first. To read further back, call it again with `before` set to the first id of the result.",
  input,
  gate: "messages",
  needs: ["View Channel", "Read Message History"],
  isIdempotent: true,
  async run({ limit, before: written }, { message, ports }) {
    const asked = written === undefined ? message.id : parseSnowflake<"message">(written);
    if (asked === undefined) throw new Error("`before` must be the id of a message: digits only");
    // Later messages belong to other turns.
    const before = compareIds(asked, message.id) < 0 ? asked : message.id;
    const messages = await ports.history.read(message, { limit, before });
    return messages.length === 0
      ? "There are no earlier messages that you may read."
      : messages.map(lineOf).join("\n");
  },
});

function lineOf({ messageId, tag, authorId, sentAt, replyTo, text }: Overheard): string {
  const at = new Date(sentAt).toISOString();
  return JSON.stringify({
    id: messageId,
    from: tag,
    from_id: authorId,
    at,
    reply_to: replyTo,
    text,
  });
}
