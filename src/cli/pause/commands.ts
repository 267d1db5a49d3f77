/**
 * The commands `pause` and `resume`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import { type CliCommand, type CommandHelp, describeCommand } from "../help/command_help.ts";
import { BOT_COMMON, end, ONE_ACCOUNT, UNUSED_PATH } from "../shared/command.ts";
import { createProcessIo } from "../terminal/io.ts";
import type { PauseFlags } from "./pause.ts";

function pauseCommand(
  isPaused: boolean,
  help: Omit<CommandHelp, "exits">,
): CliCommand {
  return describeCommand({
    ...help,
    exits: {
      failed: "no account in the data",
      usage: "invalid command line, or unknown account",
      io: true,
      tryAgain: true,
    },
  }, (docs) =>
    buildCommand<PauseFlags>({
      docs,
      parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
      async func(flags: PauseFlags) {
        const { setPaused } = await import("./pause.ts");
        await end(this, setPaused(isPaused, flags, createProcessIo(flags)));
      },
    }));
}

/** `barnacle pause` */
export const pause: CliCommand = pauseCommand(true, {
  brief: "Pause the bot: stop its turns, and answer no one",
  notes: [
    "A running bot stops within a second. The pause outlives a restart. /pause in Discord does the " +
    "same for its account.",
  ],
  examples: ["barnacle pause"],
});

/** `barnacle resume` */
export const resume: CliCommand = pauseCommand(false, {
  brief: "Let a paused bot go on",
  examples: ["barnacle resume"],
});
