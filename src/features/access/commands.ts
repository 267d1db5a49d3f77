/** The commands for access control, `access …` and `pairing …`: their options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import {
  type AccountFlags,
  BOT_COMMON,
  ONE_ACCOUNT,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";

function decideCommand(how: "approve" | "deny", brief: string) {
  return describeCommand<AccountFlags, string[]>({
    brief,
    examples: [`barnacle pairing ${how} K7XQ2MPR`],
    exits: {
      failed: "no such code, expired, or decided already",
      io: true,
      tryAgain: "too many wrong codes, or another temporary problem",
      config: true,
    },
    parameters: {
      flags: { ...BOT_COMMON, account: ONE_ACCOUNT },
      positional: {
        kind: "array",
        parameter: word("Pairing code, or `discord` and the code", "code"),
        minimum: 1,
        maximum: 4,
      },
    },
    run: async (flags, io, ...words) =>
      (await import("./pairing.ts")).decide(how, flags, words, io),
  });
}

export const pairing: CliGroup = describeGroup(
  "Approve users who ask to send the bot direct messages",
  {
    list: describeCommand<AccountFlags>({
      brief: "List open pairing codes and paired users",
      examples: ["barnacle pairing list"],
      exits: { usage: "invalid command line, or unknown account", io: true, tryAgain: true },
      parameters: { flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT } },
      run: async (flags, io) => (await import("./pairing.ts")).list(flags, io),
    }),
    approve: decideCommand("approve", "Approve a pairing code"),
    deny: decideCommand("deny", "Deny a pairing code"),
    revoke: describeCommand<AccountFlags, [user: string]>({
      brief: "Unpair a user, from their next message on",
      examples: ["barnacle pairing revoke 123456789012345678"],
      exits: { failed: "user not paired", io: true, tryAgain: true },
      parameters: {
        flags: { ...BOT_COMMON, config: UNUSED_PATH, account: ONE_ACCOUNT },
        positional: { kind: "tuple", parameters: [word("Id of the user", "user")] },
      },
      run: async (flags, io, user) => (await import("./pairing.ts")).revoke(flags, user, io),
    }),
  },
  "list",
);
