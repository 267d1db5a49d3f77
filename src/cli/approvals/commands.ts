/**
 * The commands for approvals, `approvals …`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, end, UNUSED_PATH } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { createProcessIo } from "../terminal/io.ts";

const CODE = {
  parse: String,
  brief: "ID on the card, and in `barnacle approvals list`",
  placeholder: "id",
};

const list = describeCommand({
  brief: "List commands and questions that wait for a person",
  examples: ["barnacle approvals list"],
  exits: { io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags>({
    docs,
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH } },
    async func(flags: CommonFlags) {
      const { list } = await import("./approvals.ts");
      await end(this, list(flags, createProcessIo(flags)));
    },
  }));

const show = describeCommand({
  brief: "Show one of them whole, with the exact command",
  examples: ["barnacle approvals show ABCDEFGH"],
  exits: { failed: "unknown, decided or expired", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags, [string]>({
    docs,
    parameters: {
      flags: { ...BOT_COMMON, config: UNUSED_PATH },
      positional: { kind: "tuple", parameters: [CODE] },
    },
    async func(flags: CommonFlags, code: string) {
      const { show } = await import("./approvals.ts");
      await end(this, show(flags, code, createProcessIo(flags)));
    },
  }));

interface ApproveFlags extends CommonFlags {
  readonly always: boolean;
}

const approve = describeCommand({
  brief: "Allow calls that wait for an approval",
  examples: ["barnacle approvals approve ABCDEFGH"],
  exits: { failed: "unknown, decided, expired, or not to be allowed so", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<ApproveFlags, string[]>({
    docs,
    parameters: {
      flags: {
        ...BOT_COMMON,
        config: UNUSED_PATH,
        always: {
          kind: "boolean",
          brief: "Allow later calls like it, too (default: this call)",
          default: false,
        },
      },
      positional: { kind: "array", parameter: CODE, minimum: 1 },
    },
    async func({ always, ...flags }: ApproveFlags, ...codes: string[]) {
      const { decide } = await import("./approvals.ts");
      const how = always ? "always" : "once";
      await end(this, decide(how, flags, codes, createProcessIo(flags)));
    },
  }));

const deny = describeCommand({
  brief: "Deny calls that wait for an approval",
  examples: ["barnacle approvals deny ABCDEFGH"],
  exits: { failed: "unknown, decided or expired", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags, string[]>({
    docs,
    parameters: {
      flags: { ...BOT_COMMON, config: UNUSED_PATH },
      positional: { kind: "array", parameter: CODE, minimum: 1 },
    },
    async func(flags: CommonFlags, ...codes: string[]) {
      const { decide } = await import("./approvals.ts");
      await end(this, decide("deny", flags, codes, createProcessIo(flags)));
    },
  }));

/** `barnacle approvals …` */
export const approvals: CliGroup = describeGroup("List and decide approvals", {
  list,
  show,
  approve,
  deny,
}, "list");
