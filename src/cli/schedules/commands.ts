/**
 * The commands for reminders and scheduled tasks, `schedules …`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, end, ONE_ACCOUNT, UNUSED_PATH } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { createProcessIo } from "../terminal/io.ts";
import type { ScheduleChange, SchedulesFlags } from "./schedules.ts";

const list = describeCommand({
  brief: "List reminders and scheduled tasks, with their last runs",
  examples: ["barnacle schedules list"],
  exits: { usage: "invalid command line, or unknown account", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<SchedulesFlags>({
    docs,
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
    async func(flags: SchedulesFlags) {
      const { list } = await import("./schedules.ts");
      await end(this, list(flags, createProcessIo(flags)));
    },
  }));

function changeCommand(how: ScheduleChange, brief: string) {
  return describeCommand({
    brief,
    examples: [`barnacle schedules ${how} 3`],
    exits: { failed: "no such schedule", io: true, tryAgain: true },
  }, (docs) =>
    buildCommand<CommonFlags, number[]>({
      docs,
      parameters: {
        flags: BOT_COMMON,
        positional: {
          kind: "array",
          parameter: {
            parse: toNumber,
            brief: "Number in `barnacle schedules list`",
            placeholder: "number",
          },
          minimum: 1,
        },
      },
      async func(flags: CommonFlags, ...ids: number[]) {
        const { change } = await import("./schedules.ts");
        await end(this, change(how, flags, ids, createProcessIo(flags)));
      },
    }));
}

/** `barnacle schedules …` */
export const schedules: CliGroup = describeGroup("List and change reminders and scheduled tasks", {
  list,
  pause: changeCommand("pause", "Pause schedules"),
  resume: changeCommand("resume", "Continue paused schedules with their next regular run"),
  run: changeCommand("run", "Run schedules now, beside their own times"),
  delete: changeCommand("delete", "Delete schedules with their history"),
}, "list");

function toNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is no number; \`barnacle schedules list\` shows them`);
}
