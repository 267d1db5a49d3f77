/**
 * Actions on threads, behind the gate `threads`.
 *
 * @module
 */

import { z } from "zod";
import { type Action, defineAction } from "./action.ts";
import { FIELDS } from "./fields.ts";
import { sentLine } from "./messages.ts";

const { channelId, messageId, text, replyTo, title } = FIELDS;

/** Actions on threads. */
export const THREAD_ACTIONS: readonly Action[] = [
  defineAction({
    name: "threadCreate",
    summary: "opens a thread on a message (messageId), or posts text and opens a thread on it",
    gate: "threads",
    input: z.strictObject({
      channelId: channelId.exactOptional(),
      messageId: messageId.exactOptional(),
      title,
      text: text.exactOptional(),
    }),
    async run({ channelId, messageId, title, text }, call, discord) {
      const where = channelId === undefined ? {} : { channelId };
      let on = messageId;
      if (on === undefined) {
        if (text === undefined) throw new Error("give `messageId`, or the `text` of a new message");
        const sent = await discord.send(call, { ...where, text });
        on = sent.messageIds[0];
        if (on === undefined) {
          throw new Error("the message is stored, but not posted yet, so it has no thread");
        }
      }
      const { threadId, title: shown, existed } = await discord.openThread(
        call,
        { ...where, messageId: on },
        title,
      );
      if (messageId !== undefined && text !== undefined) {
        await discord.send(call, { channelId: threadId, text });
      }
      return JSON.stringify({ threadId, title: shown, ...(existed && { existed }) });
    },
  }),
  defineAction({
    name: "threadReply",
    summary: "posts text in a thread; channelId is the id of the thread",
    gate: "threads",
    input: z.strictObject({ channelId, text, replyTo: replyTo.exactOptional() }),
    run: async (input, call, discord) => sentLine(await discord.send(call, input)),
  }),
];
