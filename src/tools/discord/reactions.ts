/**
 * Actions on reactions, behind the gate `reactions`.
 *
 * @module
 */

import { z } from "zod";
import { type Action, defineAction } from "./action.ts";
import { FIELDS } from "./fields.ts";

const { channelId, messageId, emoji } = FIELDS;

/** Whether a text is one Unicode emoji, with its variants and joined parts. */
const UNICODE = /^(?=.*[\p{Extended_Pictographic}\p{Regional_Indicator}\u20e3])[^\s\w<>:]{1,30}$/u;
/** The emoji of digits: "1️⃣". */
const KEYCAP = /^[\d#*]\ufe0f?\u20e3$/u;
const CUSTOM = /^<a?:\w{2,32}:\d{1,20}>$/;

/** Actions on reactions. */
export const REACTION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "react",
    summary: "adds your reaction; with remove, takes it away (all of yours if emoji is empty)",
    gate: "reactions",
    input: z.strictObject({
      channelId: channelId.exactOptional(),
      messageId,
      emoji,
      remove: z.boolean().describe("Whether to remove the reaction. Default: false.")
        .exactOptional(),
    }),
    async run({ emoji: written, remove = false, ...at }, call, discord) {
      const emoji = written.trim();
      if (emoji === "" && !remove) throw new Error("`emoji` may be empty only with `remove`");
      if (emoji !== "" && !isEmoji(emoji)) {
        throw new Error("`emoji` must be one Unicode emoji, or <:name:id>");
      }
      if (!remove) {
        await discord.addReaction(call, at, emoji);
        return "Reacted.";
      }
      await discord.removeReaction(call, at, emoji);
      return "Removed.";
    },
  }),
];

function isEmoji(text: string): boolean {
  return UNICODE.test(text) || KEYCAP.test(text) || CUSTOM.test(text);
}
