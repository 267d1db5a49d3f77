/** `barnacle intent …`: the options and help of its commands. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, path, text, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { CalibrateFlags, EvalFlags } from "./evaluate.ts";
import type { ExplainFlags } from "./explain.ts";

const FILE = {
  file: path("File with labelled conversations, as JSON lines"),
  bot: { ...text("Author of the bot's messages in that file", "name"), default: "bot" },
};

const FORMAT = [
  "Without --file, it reads the stored history: messages that addressed the bot are for it, and " +
  "those that another person answered are not. Reactions and deletions tell whether people wanted " +
  "an answer that no one asked for.",
  'A line of the file is a message: {"author": "ada", "text": "and on Debian?", "label": true}. ' +
  '"label" tells whether it is for the bot. Messages without it are the conversation around it.',
  'Optional: "time" (ISO, or Unix seconds), "to" (names of the people whom it addresses), ' +
  '"channel", "room" (an open request) and "needsReply".',
];

/** `barnacle intent …` */
export const intent: CliGroup = describeGroup("Measure and explain the intent filter", {
  eval: describeCommand<EvalFlags>({
    brief: "Measure how well the intent filter finds the messages for the bot",
    notes: FORMAT,
    examples: ["barnacle intent eval", "barnacle intent eval --file conversations.jsonl"],
    exits: { failed: "no labels", io: "file or data unreadable", tryAgain: "no data found" },
    parameters: { flags: { ...BOT_COMMON, ...FILE } },
    run: async (flags, io) => (await import("./evaluate.ts")).evaluate(flags, io),
  }),
  calibrate: describeCommand<CalibrateFlags>({
    brief: "Propose a threshold for the intent filter",
    notes: [
      "The older 80 % of the messages choose it, and the newest 20 % must confirm it. The weights " +
      "never change.",
      ...FORMAT,
    ],
    examples: ["barnacle intent calibrate", "barnacle intent calibrate --write"],
    exits: {
      done: "the threshold is good, or a better one is proposed",
      failed: "too few labels",
      io: "file, data or config unreadable or unwritable",
      tryAgain: "no data found, or config changed meanwhile",
      config: true,
    },
    parameters: {
      flags: { ...BOT_COMMON, ...FILE, write: flag("Write the threshold to the config") },
    },
    run: async (flags, io) => (await import("./evaluate.ts")).calibrate(flags, io),
  }),
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
