/**
 * The commands for the agent's notes, `memory …`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, end, UNUSED_PATH } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { createProcessIo } from "../terminal/io.ts";
import type { MemoryFlags } from "./memory.ts";

const FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };

const NUMBER = {
  parse: toNumber,
  brief: "Number in `barnacle memory list`",
  placeholder: "number",
} as const;

const list = describeCommand({
  brief: "List the agent's notes",
  examples: ["barnacle memory list", "barnacle memory list --user 123456789012345678"],
  exits: { io: true, tryAgain: true },
}, (docs) =>
  buildCommand<MemoryFlags>({
    docs,
    parameters: {
      flags: {
        ...FLAGS,
        user: {
          kind: "parsed",
          parse: String,
          brief: "Only notes from messages of this user: an id or <@id>",
          optional: true,
          placeholder: "user",
        },
      },
    },
    async func(flags: MemoryFlags) {
      const { list } = await import("./memory.ts");
      await end(this, list(flags, createProcessIo(flags)));
    },
  }));

const show = describeCommand({
  brief: "Show a note, with the messages that it came from",
  examples: ["barnacle memory show 3"],
  exits: { failed: "no such note", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags, [id: number]>({
    docs,
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [NUMBER] } },
    async func(flags: CommonFlags, id: number) {
      const { show } = await import("./memory.ts");
      await end(this, show(flags, id, createProcessIo(flags)));
    },
  }));

const remove = describeCommand({
  brief: "Delete notes",
  examples: ["barnacle memory delete 3"],
  exits: { failed: "no such note", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags, number[]>({
    docs,
    parameters: {
      flags: FLAGS,
      positional: { kind: "array", parameter: NUMBER, minimum: 1 },
    },
    async func(flags: CommonFlags, ...ids: number[]) {
      const { remove } = await import("./memory.ts");
      await end(this, remove(flags, ids, createProcessIo(flags)));
    },
  }));

/** `barnacle memory …` */
export const memory: CliGroup = describeGroup("List, show and delete the agent's notes", {
  list,
  show,
  delete: remove,
}, "list");

function toNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is no number; \`barnacle memory list\` shows them`);
}
