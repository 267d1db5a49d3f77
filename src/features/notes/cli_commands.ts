/** `barnacle memory`: options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import {
  BOT_COMMON,
  type CommonFlags,
  rowNumber,
  text,
  UNUSED_PATH,
} from "../../cli/shared/command.ts";
import type { MemoryFlags } from "./cli.ts";

const STORE_FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };
const NUMBER = rowNumber("barnacle memory list");

export const memory: CliGroup = describeGroup("List, show and delete the agent's notes", {
  list: describeCommand<MemoryFlags>({
    brief: "List the agent's notes",
    examples: ["barnacle memory list", "barnacle memory list --user 123456789012345678"],
    exits: { io: true, tryAgain: true },
    parameters: {
      flags: {
        ...STORE_FLAGS,
        user: {
          ...text("Only notes from messages of this user: an id or <@id>", "user"),
          optional: true,
        },
      },
    },
    run: async (flags, io) => (await import("./cli.ts")).list(flags, io),
  }),
  show: describeCommand<CommonFlags, [id: number]>({
    brief: "Show a note, with the messages that it came from",
    examples: ["barnacle memory show 3"],
    exits: { failed: "no such note", io: true, tryAgain: true },
    parameters: { flags: STORE_FLAGS, positional: { kind: "tuple", parameters: [NUMBER] } },
    run: async (flags, io, id) => (await import("./cli.ts")).show(flags, id, io),
  }),
  delete: describeCommand<CommonFlags, number[]>({
    brief: "Delete notes",
    examples: ["barnacle memory delete 3"],
    exits: { failed: "no such note", io: true, tryAgain: true },
    parameters: {
      flags: STORE_FLAGS,
      positional: { kind: "array", parameter: NUMBER, minimum: 1 },
    },
    run: async (flags, io, ...ids) => (await import("./cli.ts")).remove(flags, ids, io),
  }),
}, "list");
