/** `barnacle forget`: options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { BOT_COMMON, flag, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { ForgetFlags } from "./cli.ts";

export const forget: CliCommand = describeCommand<ForgetFlags, [user: string]>({
  brief: "Delete everything that is stored about a person",
  notes: [
    "Deletes the person's messages, names, decisions and pairing, and the bot's answers to them.",
    "Works with and without a running bot. It waits until the person's open turns have ended.",
  ],
  examples: ["barnacle forget 123456789012345678"],
  exits: {
    done: "forgotten",
    failed: "not confirmed, or traces remain in the listed backups",
    io: true,
    tryAgain: "a turn of the person is running, or another temporary problem",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      config: UNUSED_PATH,
      yes: flag("Do not ask for confirmation"),
      deleteBackups: flag("Delete backups and older copies of the store, too"),
    },
    positional: { kind: "tuple", parameters: [word("Id or username of the person", "user")] },
  },
  async run(flags, io, user) {
    return await (await import("./cli.ts")).forget(flags, user, io);
  },
});
