/**
 * The commands for reminders and scheduled tasks, `schedules …`: their options and help.
 *
 * @module
 */

import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, ONE_ACCOUNT, rowNumber, UNUSED_PATH } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { ScheduleChange, SchedulesFlags } from "./schedules.ts";

function changeCommand(how: ScheduleChange, brief: string) {
  return describeCommand<CommonFlags, number[]>({
    brief,
    examples: [`barnacle schedules ${how} 3`],
    exits: { failed: "no such schedule", io: true, tryAgain: true },
    parameters: {
      flags: BOT_COMMON,
      positional: {
        kind: "array",
        parameter: rowNumber("barnacle schedules list"),
        minimum: 1,
      },
    },
    run: async (flags, io, ...ids) => (await import("./schedules.ts")).change(how, flags, ids, io),
  });
}

/** `barnacle schedules …` */
export const schedules: CliGroup = describeGroup("List and change reminders and scheduled tasks", {
  list: describeCommand<SchedulesFlags>({
    brief: "List reminders and scheduled tasks, with their last runs",
    examples: ["barnacle schedules list"],
    exits: { usage: "invalid command line, or unknown account", io: true, tryAgain: true },
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
    run: async (flags, io) => (await import("./schedules.ts")).list(flags, io),
  }),
  pause: changeCommand("pause", "Pause schedules"),
  resume: changeCommand("resume", "Continue paused schedules with their next regular run"),
  run: changeCommand("run", "Run schedules now, beside their own times"),
  delete: changeCommand("delete", "Delete schedules with their history"),
}, "list");
