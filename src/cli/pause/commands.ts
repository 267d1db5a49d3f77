/**
 * The commands `pause` and `resume`: their options and help.
 *
 * @module
 */

import { type CliCommand, type CommandHelp, describeCommand } from "../help/command_help.ts";
import { BOT_COMMON, ONE_ACCOUNT, UNUSED_PATH } from "../shared/command.ts";
import type { PauseFlags } from "./pause.ts";

function pauseCommand(isPaused: boolean, help: Omit<CommandHelp, "exits">): CliCommand {
  return describeCommand<PauseFlags>({
    ...help,
    exits: {
      failed: "no account in the data",
      usage: "invalid command line, or unknown account",
      io: true,
      tryAgain: true,
    },
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
    run: async (flags, io) => (await import("./pause.ts")).setPaused(isPaused, flags, io),
  });
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
