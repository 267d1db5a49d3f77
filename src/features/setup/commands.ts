/** `barnacle setup`: its options and help. */

import {
  type CliCommand,
  type CliGroup,
  describeCommand,
  describeGroup,
} from "../../cli/help/command_help.ts";
import {
  COMMON,
  type CommonFlags,
  flag,
  readStdin,
  UNUSED_PATH,
  word,
} from "../../cli/shared/command.ts";
import type { SetupFlags } from "./setup.ts";

export const setup: CliCommand = describeCommand<SetupFlags>({
  brief: "Set the bot up: token, server, owner and model",
  notes: [
    "Asks on a terminal, tries each answer, and writes the config at the end. Escape goes back.",
  ],
  examples: ["barnacle setup", "barnacle setup --dry-run"],
  exits: {
    failed: "stopped",
    usage: "invalid command line, or no terminal",
    io: "disk error",
    tryAgain: "no server joined in time, or Discord does not answer",
    config: true,
  },
  parameters: {
    flags: { ...COMMON, dryRun: flag("Print the config in place of writing it") },
  },
  async run(flags, io) {
    const { runInstead, setUp } = await import("./setup.ts");
    const { code, runs } = await setUp(flags, io);
    if (!runs) return code;
    return await runInstead({ config: runs.config, data: flags.data }, io);
  },
});

export const secret: CliGroup = describeGroup("Keep a secret beside the config", {
  set: describeCommand<CommonFlags, [name: string]>({
    brief: "Write a secret that the config names, without showing it",
    notes: [
      "Asks on a terminal; else it reads standard input.",
      "Writes the file into `credentials` beside the config, readable by you only.",
      "A running bot reads it within two seconds.",
    ],
    examples: [
      "barnacle secret set openai_api_key",
      "openssl rand -hex 32 | barnacle secret set uptime",
    ],
    exits: {
      failed: "stopped",
      usage: "invalid command line, name or text",
      io: "disk error",
      tryAgain: "file changed meanwhile",
      config: "no config file at --config",
    },
    parameters: {
      flags: { ...COMMON, data: UNUSED_PATH },
      positional: {
        kind: "tuple",
        parameters: [word('Name in the config: { "file": "name" }', "name")],
      },
    },
    run: async (flags, io, name) =>
      (await import("./files.ts")).setSecret(flags, name, io, readStdin),
  }),
});
