/** `barnacle why`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, word } from "../../cli/shared/command.ts";

export const why: CliCommand = describeCommand<CommonFlags, [asked: string]>({
  brief: "Explain why the bot answered a message, or did not",
  notes: ["Shows each check with its fact, its rule and the line of the config."],
  examples: ["barnacle why https://discord.com/channels/123/456/789"],
  exits: {
    done: "explained",
    failed: "no record of it; the output lists possible causes",
    io: true,
    tryAgain: true,
  },
  parameters: {
    flags: BOT_COMMON,
    positional: {
      kind: "tuple",
      parameters: [
        word("Link or id of a message or of the bot's answer, or an error id", "link or id"),
      ],
    },
  },
  run: async (flags, io, asked) => (await import("./why.ts")).why(flags, asked, io),
});
