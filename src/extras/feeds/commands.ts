/** `barnacle feeds …`: its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, word } from "../../cli/shared/command.ts";

export const feeds: CliGroup = describeGroup("List feeds of the web, and poll them", {
  list: describeCommand<CommonFlags>({
    brief: "List the feeds of the config, with their state",
    examples: ["barnacle feeds list"],
    exits: { config: true, io: true, tryAgain: true },
    parameters: { flags: BOT_COMMON },
    run: async (flags, io) => (await import("./command.ts")).list(flags, io),
  }),
  poll: describeCommand<CommonFlags, string[]>({
    brief: "Poll feeds now, beside their own times",
    examples: ["barnacle feeds poll jellyfin"],
    exits: { failed: "no such feed", config: true, io: true, tryAgain: true },
    parameters: {
      flags: BOT_COMMON,
      positional: {
        kind: "array",
        parameter: word("Name of the feed in the config", "feed"),
        minimum: 1,
      },
    },
    run: async (flags, io, ...names) => (await import("./command.ts")).poll(flags, names, io),
  }),
}, "list");
