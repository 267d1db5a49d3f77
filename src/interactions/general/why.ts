/**
 * `/why`: why the bot answered a message, or did not (P1).
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Explains a message of the asker's; an owner may ask about every message. */
export const why: Command = {
  name: "why",
  description: "Explain why I answered a message, or did not",
  options: [{
    name: "message",
    description: "Link or id of your message",
    type: "text",
    isRequired: false,
  }],
  needs: "everyone",
  isPrivate: true,
  async run(call, { why, texts }) {
    const { message } = call.options;
    const id = typeof message === "string" ? messageIdIn(message) : call.target?.id;
    if (id === undefined) return notice("whyNeedsMessage", {}, texts());
    return await why(call, id) ?? notice("whyUnknown", {}, texts());
  },
};

/** The last number of a link, or the number itself. */
function messageIdIn(text: string) {
  const [, digits = ""] = /(\d{15,20})\/?\s*$/.exec(text) ?? [];
  return parseSnowflake<"message">(digits);
}
