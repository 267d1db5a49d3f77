/** The commands that look after the agent: their options and help. */

import {
  type CliCommand,
  type CliGroup,
  type CommandHelp,
  describeCommand,
  describeGroup,
} from "../../cli/help/command_help.ts";
import {
  type AccountFlags,
  BOT_COMMON,
  type CommonFlags,
  ONE_ACCOUNT,
  rowNumber,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";

const CODE = word("ID on the card, and in `barnacle approvals list`", "id");

const STORE_FLAGS = { ...BOT_COMMON, config: UNUSED_PATH };

interface ApproveFlags extends CommonFlags {
  readonly always: boolean;
}

export const approvals: CliGroup = describeGroup("List and decide approvals", {
  list: describeCommand<CommonFlags>({
    brief: "List commands and questions that wait for a person",
    examples: ["barnacle approvals list"],
    exits: { io: true, tryAgain: true },
    parameters: { flags: STORE_FLAGS },
    run: async (flags, io) => (await import("./approvals.ts")).list(flags, io),
  }),
  show: describeCommand<CommonFlags, [string]>({
    brief: "Show one of them whole, with the exact command",
    examples: ["barnacle approvals show ABCDEFGH"],
    exits: { failed: "unknown, decided or expired", io: true, tryAgain: true },
    parameters: { flags: STORE_FLAGS, positional: { kind: "tuple", parameters: [CODE] } },
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
        ...STORE_FLAGS,
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
    parameters: { flags: STORE_FLAGS, positional: { kind: "array", parameter: CODE, minimum: 1 } },
    run: async (flags, io, ...codes) =>
      (await import("./approvals.ts")).decide("deny", flags, codes, io),
  }),
  rules: describeCommand<CommonFlags>({
    brief: "List decisions about commands and tools of skills that count for later calls",
    examples: ["barnacle approvals rules"],
    exits: { io: true, tryAgain: true },
    parameters: { flags: STORE_FLAGS },
    run: async (flags, io) => (await import("./approvals.ts")).rules(flags, io),
  }),
  revoke: describeCommand<CommonFlags, number[]>({
    brief: "Take such decisions back: the next call asks again",
    examples: ["barnacle approvals revoke 3"],
    exits: { failed: "no such rule", io: true, tryAgain: true },
    parameters: {
      flags: STORE_FLAGS,
      positional: { kind: "array", parameter: rowNumber("barnacle approvals rules"), minimum: 1 },
    },
    run: async (flags, io, ...ids) => (await import("./approvals.ts")).revoke(flags, ids, io),
  }),
}, "list");

function pauseCommand(isPaused: boolean, help: Omit<CommandHelp, "exits">): CliCommand {
  return describeCommand<AccountFlags>({
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

export const pause: CliCommand = pauseCommand(true, {
  brief: "Pause the bot: stop its turns, and tell people who ask that it is paused",
  notes: [
    "A running bot stops within a second. The pause outlives a restart. /pause in Discord does the " +
    "same for its account.",
  ],
  examples: ["barnacle pause"],
});

export const resume: CliCommand = pauseCommand(false, {
  brief: "Let a paused bot go on",
  examples: ["barnacle resume"],
});
