/** The commands for access control, `access …` and `pairing …`: their options and help. */

import type { AccessEventKind } from "../../policy/authorize.ts";
import type { CommandNeeds } from "../../policy/rules/rules.ts";
import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import {
  ACCOUNT,
  type AccountFlags,
  BOT_COMMON,
  flag,
  ONE_ACCOUNT,
  text,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";
import type { ResolveFlags } from "./resolve.ts";
import type { AccessTestFlags } from "./try.ts";

/** As records, so that a new event or right does not compile without its entry. */
const EVENTS: Readonly<Record<AccessEventKind, true>> = {
  message: true,
  edit: true,
  reaction: true,
  button: true,
  select: true,
  modal: true,
  slash: true,
  thread_create: true,
  speech: true,
};
const NEEDS: Readonly<Record<CommandNeeds, true>> = {
  everyone: true,
  session: true,
  owner: true,
  approver: true,
};

function namesIn<Name extends string>(all: Readonly<Record<Name, true>>): readonly Name[] {
  return Object.keys(all).filter((name): name is Name => Object.hasOwn(all, name));
}

export const access: CliGroup = describeGroup("Test and show who may talk to the bot", {
  test: describeCommand<AccessTestFlags>({
    brief: "Check whether the bot would answer a hypothetical message",
    examples: ['barnacle access test --user ada --channel help --text "hello" --mention'],
    exits: {
      done: "the bot would answer",
      failed: "the bot would not answer",
      usage: "invalid command line, or unknown place, role or account",
      partly: "the bot would probably not answer; some facts are missing",
      io: true,
      tryAgain: true,
      config: true,
    },
    parameters: {
      flags: {
        ...BOT_COMMON,
        user: text("Sender: an id, <@id> or a username", "user"),
        channel: text("dm, group, a link, an id, #name or guild/name", "channel"),
        text: { ...text('Text of the message (default: "hello")', "text"), optional: true },
        reply: flag("The message replies to the bot"),
        mention: flag("The message mentions the bot"),
        bot: flag("The sender is a bot"),
        manager: flag("The sender may manage messages there"),
        role: {
          ...text("Role of the sender, by id or name", "role"),
          variadic: true,
          optional: true,
        },
        event: {
          kind: "enum",
          values: namesIn(EVENTS),
          brief: "Event to test",
          default: "message",
          placeholder: "event",
        },
        on: {
          kind: "enum",
          values: ["own", "other"],
          brief: "Whose message a reaction is on: the bot's own, or another",
          default: "own",
          placeholder: "whose",
        },
        needs: {
          kind: "enum",
          values: namesIn(NEEDS),
          brief: "Right that a command or button needs",
          default: "everyone",
          placeholder: "right",
        },
        account: ACCOUNT,
        offline: flag("Do not ask Discord"),
      },
    },
    run: async (flags, io) => (await import("./try.ts")).accessTest(flags, io),
  }),
  matrix: describeCommand<AccountFlags>({
    brief: "Print who may talk to the bot, by place",
    examples: ["barnacle access matrix"],
    exits: {
      usage: "invalid command line, or unknown account",
      io: true,
      tryAgain: true,
      config: true,
    },
    parameters: { flags: { ...BOT_COMMON, account: ONE_ACCOUNT } },
    run: async (flags, io) => (await import("./matrix.ts")).accessMatrix(flags, io),
  }),
  resolve: describeCommand<ResolveFlags>({
    brief: "Find the ids of names in the config",
    notes: ["Only exact and unambiguous matches count."],
    examples: ["barnacle access resolve", "barnacle access resolve --write"],
    exits: {
      done: "all names resolved",
      partly: "some names unresolved",
      io: true,
      tryAgain: true,
      refused: true,
      config: true,
    },
    parameters: {
      flags: {
        ...BOT_COMMON,
        account: ONE_ACCOUNT,
        write: flag("Write the ids into the config, with the names as comments"),
        offline: flag("Do not ask Discord: use names that a running bot has resolved"),
      },
    },
    run: async (flags, io) => (await import("./resolve.ts")).accessResolve(flags, io),
  }),
});

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
