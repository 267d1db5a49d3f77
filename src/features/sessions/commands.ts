/** The commands for conversations, `sessions …` and `forget`: their options and help. */

import {
  type CliCommand,
  type CliGroup,
  describeCommand,
  describeGroup,
} from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, flag, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { ForgetFlags } from "./sessions.ts";

const KEY = word("Handle or key of a session in `barnacle sessions list`", "session");
const FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };
const EXITS = { failed: "no such session", io: true, tryAgain: true } as const;
const EXAMPLE_KEY = "agent:main:discord:channel:123456789012345678";

export const sessions: CliGroup = describeGroup("List or reset conversations", {
  list: describeCommand<CommonFlags>({
    brief: "List conversations, the newest first",
    examples: ["barnacle sessions list"],
    exits: { io: true, tryAgain: true },
    parameters: { flags: FLAGS },
    run: async (flags, io) => (await import("./sessions.ts")).list(flags, io),
  }),
  reset: describeCommand<CommonFlags, [key: string]>({
    brief: "Begin a new transcript; nothing is deleted",
    examples: [`barnacle sessions reset ${EXAMPLE_KEY}`],
    exits: EXITS,
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
    run: async (flags, io, key) => (await import("./sessions.ts")).reset(flags, key, io),
  }),
}, "list");

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
      ...FLAGS,
      yes: flag("Do not ask for confirmation"),
      deleteBackups: flag("Delete backups and older copies of the store, too"),
    },
    positional: { kind: "tuple", parameters: [word("Id or username of the person", "user")] },
  },
  async run(flags, io, user) {
    return await (await import("./sessions.ts")).forget(flags, user, io);
  },
});
