/**
 * The commands for approvals, `approvals …`: their options and help.
 *
 * @module
 */

import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, UNUSED_PATH, word } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";

const CODE = word("ID on the card, and in `barnacle approvals list`", "id");

interface ApproveFlags extends CommonFlags {
  readonly always: boolean;
}

/** `barnacle approvals …` */
export const approvals: CliGroup = describeGroup("List and decide approvals", {
  list: describeCommand<CommonFlags>({
    brief: "List commands and questions that wait for a person",
    examples: ["barnacle approvals list"],
    exits: { io: true, tryAgain: true },
    parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH } },
    run: async (flags, io) => (await import("./approvals.ts")).list(flags, io),
  }),
  show: describeCommand<CommonFlags, [string]>({
    brief: "Show one of them whole, with the exact command",
    examples: ["barnacle approvals show ABCDEFGH"],
    exits: { failed: "unknown, decided or expired", io: true, tryAgain: true },
    parameters: {
      flags: { ...BOT_COMMON, config: UNUSED_PATH },
      positional: { kind: "tuple", parameters: [CODE] },
    },
    run: async (flags, io, code) => (await import("./approvals.ts")).show(flags, code, io),
  }),
  approve: describeCommand<ApproveFlags, string[]>({
    brief: "Allow calls that wait for an approval",
    examples: ["barnacle approvals approve ABCDEFGH"],
    exits: {
      failed: "unknown, decided, expired, or not to be allowed so",
      io: true,
      tryAgain: true,
    },
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
    async run({ always, ...flags }: ApproveFlags, io, ...codes: string[]) {
      const { decide } = await import("./approvals.ts");
      const how = always ? "always" : "once";
      return await decide(how, flags, codes, io);
    },
  }),
  deny: describeCommand<CommonFlags, string[]>({
    brief: "Deny calls that wait for an approval",
    examples: ["barnacle approvals deny ABCDEFGH"],
    exits: { failed: "unknown, decided or expired", io: true, tryAgain: true },
    parameters: {
      flags: { ...BOT_COMMON, config: UNUSED_PATH },
      positional: { kind: "array", parameter: CODE, minimum: 1 },
    },
    run: async (flags, io, ...codes) =>
      (await import("./approvals.ts")).decide("deny", flags, codes, io),
  }),
}, "list");
