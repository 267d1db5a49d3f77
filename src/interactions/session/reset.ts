/**
 * `/new` and `/reset`: begin a new conversation (S4a).
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import { ASKED } from "../base/asked.ts";
import type { Command } from "../base/command.ts";

/** Begins a new transcript. The store keeps the old one, and the model sees it no more. */
export const reset: Command = {
  name: "reset",
  description: "Begin a new conversation here; I forget the old one",
  options: [],
  needs: "session",
  async run(call, { conversations, texts, log }) {
    const entries = await conversations.reset(call);
    log.info("A person began a new conversation", {
      interactionId: call.id,
      channelId: call.channelId,
      by: call.sender.id,
      entries,
    });
    return notice(entries > 0 ? "reset" : "resetNothing", {}, texts());
  },
};

/** The same; with words, the new conversation begins with them. */
export const fresh: Command = {
  ...reset,
  name: "new",
  description: "Begin a new conversation here, perhaps with a question",
  options: [{
    name: "message",
    description: "Your first message of the new conversation",
    type: "text",
    isRequired: false,
  }],
  async run(call, context) {
    const text = await reset.run(call, context);
    const { message } = call.options;
    if (typeof message !== "string" || message.trim() === "") return text;
    const where = await context.ask(call, { text: message });
    return notice(ASKED[where], {}, context.texts());
  },
};
