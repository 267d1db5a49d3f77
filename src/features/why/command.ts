/** `/why`, and the same in the menu of a message: explain a message to its writer (P1). */

import { parseSnowflake } from "../../core/discord/ids.ts";
import type { Command, MessageCommand } from "../../interactions/base/command.ts";

/** Explains a message of the asker's; an owner may ask about every message. */
export const why: Command = {
  name: "why",
  description: "Explain why I answered a message, or did not",
  options: [{ name: "message", description: "Link or id of your message", type: "text" }],
  needs: "everyone",
  follows: "context",
  isPrivate: true,
  async run(call, account) {
    const { message } = call.options;
    const id = typeof message === "string" ? messageIdIn(message) : call.target?.id;
    if (id === undefined) {
      return "Give the link or id of a message. Or use “Why no answer?” in the menu of the " +
        "message.";
    }
    const { explain } = await import("./explain.ts");
    return await explain(account, call, id) ??
      ("I have no record of this message that you may see. Each person may ask about their " +
        "own messages.");
  },
};

/** The last number of a link, or the number itself. */
function messageIdIn(text: string) {
  const [, digits = ""] = /(\d{15,20})\/?\s*$/.exec(text) ?? [];
  return parseSnowflake<"message">(digits);
}

export const whyNoAnswer: MessageCommand = {
  name: "Why no answer?",
  needs: "everyone",
  run: why.run,
};
