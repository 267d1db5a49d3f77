/** `barnacle intent …`: the options and help of its commands. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, text, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { ExplainFlags } from "./explain.ts";

export const intent: CliGroup = describeGroup("Explain the intent filter", {
  explain: describeCommand<ExplainFlags, [asked: string]>({
    brief: "Show the scores of a message or a text, with the five strongest reasons",
    notes: [
      "A text is scored as if someone wrote it in a quiet channel. From `respondThreshold` (0.7) on, " +
      "the bot answers a message for it; requests to the channel need `openRequests`, too.",
    ],
    examples: [
      "barnacle intent explain https://discord.com/channels/123/456/789",
      'barnacle intent explain "does anyone know how I can resize an image?"',
      'barnacle intent explain "short" --after "The short or the long one?"',
    ],
    exits: {
      failed: "no record of the message, or no score",
      io: true,
      tryAgain: "no data found, or another temporary problem",
    },
    parameters: {
      flags: {
        ...BOT_COMMON,
        config: UNUSED_PATH,
        after: { ...text("The bot's message just before it", "text"), optional: true },
        pause: {
          kind: "parsed",
          parse: secondsOf,
          brief: "Seconds between both",
          placeholder: "number",
          default: "15",
        },
        other: flag("The bot's message was for another person"),
      },
      positional: {
        kind: "tuple",
        parameters: [word("Link or id of a message, or a text", "message")],
      },
    },
    run: async (flags, io, asked) => (await import("./explain.ts")).explain(flags, asked, io),
  }),
});

/** @throws {RangeError} If the text is no number of seconds. */
function secondsOf(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is not a number of seconds, such as 15`);
}
