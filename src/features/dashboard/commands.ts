/** `barnacle dashboard`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, UNUSED_PATH } from "../../cli/shared/command.ts";

export const dashboard: CliCommand = describeCommand<CommonFlags>({
  brief: "Print a link that logs in to the dashboard, once",
  examples: ["barnacle dashboard"],
  exits: {
    io: true,
    tryAgain: "no bot runs, or it does not answer",
    config: "the dashboard is off (http.dashboard)",
  },
  parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH } },
  run: async (flags, io) => (await import("./print_link.ts")).printLink(flags, io),
});
