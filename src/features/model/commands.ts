/** The commands about models, with their options and help. */

import {
  type CliCommand,
  type CliGroup,
  describeCommand,
  describeGroup,
} from "../../cli/help/command_help.ts";
import { BOT_COMMON, COMMON, type CommonFlags, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { UsageFlags } from "./usage.ts";

export const model: CliGroup = describeGroup("Test the configured models", {
  test: describeCommand<CommonFlags>({
    brief: "Play a turn of two steps, with tools and an image, with the configured models",
    notes: [
      "Prints the time to the first token of a long prompt, tools, the second step, images, " +
      "streaming and context window, each problem with its remedy. A turn costs about 10,000 " +
      "tokens.",
    ],
    examples: ["barnacle model test", "barnacle model test --json"],
    exits: {
      done: "all models answered",
      failed: "a model gave no answer, or failed after a tool",
      config: true,
    },
    parameters: { flags: { ...COMMON, data: UNUSED_PATH } },
    run: async (flags, io) => (await import("./test.ts")).testModels(flags, io),
  }),
});

export const usage: CliCommand = describeCommand<UsageFlags>({
  brief: "Show the tokens and the money that models have used",
  notes: ["Days are UTC days. Today is the last of them."],
  examples: ["barnacle usage", "barnacle usage --by user --days 30"],
  exits: { io: "the data directory cannot be read", tryAgain: "no data directory found" },
  parameters: {
    flags: {
      ...BOT_COMMON,
      by: {
        kind: "enum",
        values: ["day", "user", "channel", "guild", "agent", "model", "kind"],
        brief: "Field whose values are listed",
        default: "model",
      },
      days: {
        kind: "parsed",
        parse: daysOf,
        brief: "Number of days",
        default: "30",
        placeholder: "number",
      },
    },
  },
  run: async (flags, io) => (await import("./usage.ts")).showUsage(flags, io),
});

/** @throws {RangeError} If the text is no number of days. */
function daysOf(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is not a number of days from 1 to 99999`);
}
