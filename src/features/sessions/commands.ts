/** `barnacle sessions`: options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, UNUSED_PATH, word } from "../../cli/shared/command.ts";

const KEY = word("Key of a session in `barnacle sessions list`", "session");
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
