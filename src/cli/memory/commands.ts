/**
 * The commands for the agent's notes, `memory …`: their options and help.
 *
 * @module
 */

import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, rowNumber, text, UNUSED_PATH } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { MemoryFlags } from "./memory.ts";

const FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };

const NUMBER = rowNumber("barnacle memory list");

/** `barnacle memory …` */
export const memory: CliGroup = describeGroup("List, show and delete the agent's notes", {
  list: describeCommand<MemoryFlags>({
    brief: "List the agent's notes",
    examples: ["barnacle memory list", "barnacle memory list --user 123456789012345678"],
    exits: { io: true, tryAgain: true },
    parameters: {
      flags: {
        ...FLAGS,
        user: {
          ...text("Only notes from messages of this user: an id or <@id>", "user"),
          optional: true,
        },
      },
    },
    run: async (flags, io) => (await import("./memory.ts")).list(flags, io),
  }),
  show: describeCommand<CommonFlags, [id: number]>({
    brief: "Show a note, with the messages that it came from",
    examples: ["barnacle memory show 3"],
    exits: { failed: "no such note", io: true, tryAgain: true },
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [NUMBER] } },
    run: async (flags, io, id) => (await import("./memory.ts")).show(flags, id, io),
  }),
  delete: describeCommand<CommonFlags, number[]>({
    brief: "Delete notes",
    examples: ["barnacle memory delete 3"],
    exits: { failed: "no such note", io: true, tryAgain: true },
    parameters: {
      flags: FLAGS,
      positional: { kind: "array", parameter: NUMBER, minimum: 1 },
    },
    run: async (flags, io, ...ids) => (await import("./memory.ts")).remove(flags, ids, io),
  }),
}, "list");
