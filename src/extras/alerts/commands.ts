/** `barnacle alerts test`: its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags } from "../../cli/shared/command.ts";

export const alerts: CliGroup = describeGroup("Test the alerts that owners get", {
  test: describeCommand<CommonFlags>({
    brief: "Send a test alert by each way of `alerts.ways`",
    notes: ["A running bot sends the direct message. Without one, the command does."],
    examples: ["barnacle alerts test", "barnacle alerts test --json"],
    exits: {
      done: "each way works that can be tested here",
      failed: "a way does not work, or none can be tested",
      tryAgain: "no data directory at the path of --data",
      config: true,
    },
    parameters: { flags: BOT_COMMON },
    run: async (flags, io) => (await import("./command.ts")).testAlerts(flags, io),
  }),
});
