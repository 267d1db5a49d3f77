/** `barnacle schedules`: options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import {
  type AccountFlags,
  BOT_COMMON,
  type CommonFlags,
  ONE_ACCOUNT,
  rowNumber,
  UNUSED_PATH,
} from "../../cli/shared/command.ts";
import type { ScheduleChange } from "./cli.ts";

function changeCommand(how: ScheduleChange, brief: string) {
  return describeCommand<CommonFlags, number[]>({
    brief,
    examples: [`barnacle schedules ${how} 3`],
    exits: { failed: "no such schedule", io: true, tryAgain: true },
    parameters: {
      flags: BOT_COMMON,
      positional: { kind: "array", parameter: rowNumber("barnacle schedules list"), minimum: 1 },
    },
    run: async (flags, io, ...ids) => (await import("./cli.ts")).change(how, flags, ids, io),
  });
}

export const schedules: CliGroup = describeGroup("List and change reminders and scheduled tasks", {
  list: describeCommand<AccountFlags>({
    brief: "List reminders and scheduled tasks, with their last runs",
    examples: ["barnacle schedules list"],
    exits: { usage: "invalid command line, or unknown account", io: true, tryAgain: true },
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
    run: async (flags, io) => (await import("./cli.ts")).list(flags, io),
  }),
  pause: changeCommand("pause", "Pause schedules"),
  resume: changeCommand("resume", "Continue paused schedules with their next regular run"),
  delete: changeCommand("delete", "Delete schedules with their history"),
}, "list");
