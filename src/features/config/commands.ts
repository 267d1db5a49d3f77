/** `barnacle config …`: the options and help of its commands. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import {
  COMMON,
  type CommonFlags,
  UNUSED_FLAG,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";
import type { Exits } from "../../cli/shared/exit_code.ts";

const FLAGS = { ...COMMON, data: UNUSED_PATH };

const KEY = word('Path of a key, such as channels.discord.guilds."my guild".users[0]', "key");

const WRITE_EXITS: Exits = {
  failed: "no config file",
  usage: "invalid command line or key",
  io: "disk error",
  tryAgain: "file changed meanwhile",
  config: "invalid config; nothing was written",
};

function configCommand(
  action: "check" | "example" | "schema",
  { brief, exits }: { readonly brief: string; readonly exits: Exits },
  own: Partial<typeof COMMON> = {},
) {
  return describeCommand<CommonFlags>({
    brief,
    examples: [`barnacle config ${action}`],
    exits,
    parameters: { flags: { ...FLAGS, ...own } },
    run: async (flags, io) => (await import("./check.ts"))[action](flags, io),
  });
}

const set = describeCommand<CommonFlags, [key: string, value: string]>({
  brief: "Set a key in the config file",
  notes: [
    "Keeps comments and layout, and the previous file as .bak.",
    "Writes nothing if the bot would not start with the result.",
    "A running bot picks up the change.",
  ],
  examples: [
    "barnacle config set channels.discord.historyLimit 20",
    "barnacle config set 'channels.discord.dm.allowFrom[+]' 123456789012345678",
  ],
  exits: WRITE_EXITS,
  parameters: {
    flags: FLAGS,
    positional: {
      kind: "tuple",
      parameters: [
        word(`${KEY.brief}; [+] appends to a list`, "key"),
        word("JSON, or plain text if the key takes text", "value"),
      ],
    },
  },
  async run(flags, io, key, value) {
    const { set } = await import("./edit.ts");
    return await set(flags, { path: key, value }, io);
  },
});

export const config: CliGroup = describeGroup("Check, explain, change and import the config", {
  check: configCommand("check", {
    brief: "Check the config file, and list all errors",
    exits: { done: "valid, perhaps with warnings", config: true },
  }),
  schema: configCommand("schema", {
    brief: "Print the JSON Schema of the config, for editors",
    exits: {},
  }, { config: UNUSED_PATH, json: UNUSED_FLAG }),
  example: configCommand("example", {
    brief: "Print an example config with comments",
    exits: {},
  }, { config: UNUSED_PATH }),
  get: describeCommand<CommonFlags, [key: string]>({
    brief: "Print the effective value of a key; of a secret, only its source",
    examples: ["barnacle config get channels.discord.dm.policy"],
    exits: { failed: "key not set", usage: "invalid command line, or unknown key", config: true },
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
    run: async (flags, io, key) => (await import("./edit.ts")).get(flags, key, io),
  }),
  explain: describeCommand<CommonFlags, string[]>({
    brief: "Explain a key: values, default, where it is set, the value that applies, its page",
    notes: [
      "Takes a path, the end of one, words of the description, or a name with mistakes.",
      "Several keys of the same kind are listed. Without a key, the sections are.",
    ],
    examples: [
      "barnacle config explain historyLimit",
      "barnacle config explain channels.discord.dm.policy",
      "barnacle config explain rate limit",
    ],
    exits: { failed: "no such key" },
    parameters: {
      flags: FLAGS,
      positional: {
        kind: "array",
        parameter: word("Path of a key, a part of it, or words about it", "key"),
      },
    },
    run: async (flags, io, ...words) => {
      const { explain, listSections } = await import("./explain.ts");
      return words.length === 0
        ? listSections(flags, io)
        : await explain(flags, words.join(" "), io);
    },
  }),
  set,
  unset: describeCommand<CommonFlags, [key: string]>({
    brief: "Remove a key from the config file, so that its default applies",
    notes: ["Keeps comments and layout, and the previous file as .bak."],
    examples: ["barnacle config unset channels.discord.historyLimit"],
    exits: WRITE_EXITS,
    parameters: { flags: FLAGS, positional: { kind: "tuple", parameters: [KEY] } },
    run: async (flags, io, key) => (await import("./edit.ts")).unset(flags, key, io),
  }),
});
