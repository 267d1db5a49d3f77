/** `barnacle alerts test`: its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, UNUSED_PATH } from "../../cli/shared/command.ts";

export const alerts: CliGroup = describeGroup("Test the alerts that owners get", {
  test: describeCommand<CommonFlags>({
    brief: "Send a test alert to `alerts.webhook`",
    examples: ["barnacle alerts test"],
    exits: { failed: "the webhook does not take it, or the config has none", config: true },
    parameters: { flags: { ...BOT_COMMON, data: UNUSED_PATH } },
    run: async (flags, io) => (await import("./command.ts")).testAlerts(flags, io),
  }),
});
