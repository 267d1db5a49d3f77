/**
 * The commands for conversations, `sessions …` and `forget`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import {
  type CliCommand,
  type CliGroup,
  describeCommand,
  describeGroup,
} from "../help/command_help.ts";
import { BOT_COMMON, end, flag, UNUSED_PATH, word } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { createProcessIo } from "../terminal/io.ts";
import type { ForgetFlags } from "./forget.ts";
import type { ShowFlags } from "./sessions.ts";

const KEY = word("Key of a session in `barnacle sessions list`", "key");
const FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };
const EXITS = { failed: "no such session", io: true, tryAgain: true } as const;
const EXAMPLE_KEY = "agent:main:discord:channel:123456789012345678";

const list = describeCommand({
  brief: "List conversations, the newest first",
  examples: ["barnacle sessions list"],
  exits: { io: true, tryAgain: true },
}, (docs) =>
  buildCommand({
    docs,
    parameters: { flags: FLAGS },
    async func(flags: CommonFlags) {
      const { list } = await import("./sessions.ts");
      await end(this, list(flags, createProcessIo(flags)));
    },
  }));

const show = describeCommand({
  brief: "Show the newest entries of a transcript, with resets and summaries",
  examples: [`barnacle sessions show ${EXAMPLE_KEY}`],
  exits: EXITS,
}, (docs) =>
  buildCommand<ShowFlags, [key: string]>({
    docs,
    parameters: {
      flags: {
        ...FLAGS,
        limit: {
          kind: "parsed",
          parse: toLimit,
          brief: "Number of entries",
          placeholder: "number",
          default: "20",
        },
      },
      positional: { kind: "tuple", parameters: [KEY] },
    },
    async func(flags: ShowFlags, key: string) {
      const { show } = await import("./sessions.ts");
      await end(this, show(flags, key, createProcessIo(flags)));
    },
  }));

const reset = describeCommand({
  brief: "Begin a new transcript; nothing is deleted",
  examples: [`barnacle sessions reset ${EXAMPLE_KEY}`],
  exits: EXITS,
}, (docs) =>
  buildCommand<CommonFlags, [key: string]>({
    docs,
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
    async func(flags: CommonFlags, key: string) {
      const { reset } = await import("./sessions.ts");
      await end(this, reset(flags, key, createProcessIo(flags)));
    },
  }));

const exportCommand = describeCommand({
  brief: "Write a whole transcript as JSON lines",
  examples: ["barnacle sessions export agent:main:main > session.jsonl"],
  exits: EXITS,
}, (docs) =>
  buildCommand<CommonFlags, [key: string]>({
    docs,
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
    async func(flags: CommonFlags, key: string) {
      const { exportSession } = await import("./sessions.ts");
      await end(this, exportSession(flags, key, createProcessIo(flags)));
    },
  }));

/** `barnacle sessions …` */
export const sessions: CliGroup = describeGroup("List, show, export or reset conversations", {
  list,
  show,
  export: exportCommand,
  reset,
}, "list");

/** `barnacle forget` */
export const forget: CliCommand = describeCommand({
  brief: "Delete everything that is stored about a person",
  notes: [
    "Deletes the person's messages, names, decisions and pairing. Answers of the model stay, " +
    "without the person's id and names.",
    "Works with and without a running bot. It waits until the person's open turns have ended.",
  ],
  examples: ["barnacle forget 123456789012345678"],
  exits: {
    done: "forgotten",
    failed: "not confirmed, or traces remain in the listed backups",
    io: true,
    tryAgain: "a turn of the person is running, or another temporary problem",
  },
}, (docs) =>
  buildCommand<ForgetFlags, [user: string]>({
    docs,
    parameters: {
      flags: { ...FLAGS, yes: flag("Do not ask for confirmation") },
      positional: { kind: "tuple", parameters: [word("Id of the person, or <@id>", "user")] },
    },
    async func(flags: ForgetFlags, user: string) {
      const [{ forget }, { confirmOnTerminal }] = await Promise.all([
        import("./forget.ts"),
        import("../terminal/confirm.ts"),
      ]);
      await end(this, forget(flags, user, createProcessIo(flags), confirmOnTerminal()));
    },
  }));

function toLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is not a number of entries`);
}
