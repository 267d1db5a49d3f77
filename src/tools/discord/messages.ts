/**
 * Actions on messages, behind the gate `messages`.
 *
 * @module
 */

import { z } from "zod";
import type { SentText, ShownMessage } from "../../core/turn/ports/discord.ts";
import { type Action, defineAction } from "./action.ts";
import { FIELDS } from "./fields.ts";

const { channelId, messageId, text, replyTo, limit, before, after } = FIELDS;
const at = { channelId: channelId.exactOptional(), messageId };

/** Actions on messages. */
export const MESSAGE_ACTIONS: readonly Action[] = [
  defineAction({
    name: "sendMessage",
    summary: "posts text; your answer to this message is posted anyway, so do not repeat it",
    gate: "messages",
    input: z.strictObject({
      channelId: channelId.exactOptional(),
      text,
      replyTo: replyTo.exactOptional(),
    }),
    run: async (input, call, discord) => sentLine(await discord.send(call, input)),
  }),
  defineAction({
    name: "readMessages",
    summary: "the newest messages of a channel, or those before or after one, oldest first",
    gate: "messages",
    input: z.strictObject({
      channelId: channelId.exactOptional(),
      limit: limit.exactOptional(),
      before: before.exactOptional(),
      after: after.exactOptional(),
    }),
    async run({ limit = 30, ...range }, call, discord) {
      if (range.before && range.after) throw new Error("give `before` or `after`, not both");
      const found = await discord.read(call, { ...range, limit });
      return found.length === 0 ? "There are no messages that you may read." : linesOf(found);
    },
  }),
  defineAction({
    name: "fetchMessage",
    summary: "one message",
    gate: "messages",
    input: z.strictObject(at),
    run: async (input, call, discord) => linesOf([await discord.readOne(call, input)]),
  }),
  defineAction({
    name: "editMessage",
    summary: "replaces the text of one of your own messages",
    gate: "messages",
    input: z.strictObject({ ...at, text }),
    async run({ text, ...where }, call, discord) {
      await discord.edit(call, where, text);
      return "Edited.";
    },
  }),
  defineAction({
    name: "deleteMessage",
    summary: "deletes a message; one of another author only if the asker may manage messages",
    gate: "messages",
    input: z.strictObject(at),
    async run(input, call, discord) {
      await discord.remove(call, input);
      return "Deleted.";
    },
  }),
];

/** The result of a sent text. */
export function sentLine({ state, channelId, messageIds }: SentText): string {
  if (state === "sent") return JSON.stringify({ sent: true, channelId, messageIds });
  return JSON.stringify({
    stored: true,
    channelId,
    note: "Discord does not have it yet. It is delivered later; do not send it again.",
  });
}

function linesOf(messages: readonly ShownMessage[]): string {
  return messages.map(({ id, from, fromId, timestamp, timestampMs, replyTo, text }) =>
    JSON.stringify({
      id,
      from,
      fromId,
      timestamp,
      timestampMs,
      timestampUtc: new Date(timestampMs).toISOString(),
      replyTo,
      text,
    })
  ).join("\n");
}
