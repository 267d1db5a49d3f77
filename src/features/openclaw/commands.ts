/** `barnacle config import`: its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { COMMON, flag, path, UNUSED_PATH, word } from "../../cli/shared/command.ts";
import type { ImportFlags } from "./command.ts";

const FLAGS = { ...COMMON, data: UNUSED_PATH };

export const config: CliGroup = describeGroup("Check, explain, change and import the config", {
  import: describeCommand<ImportFlags, [file: string]>({
    brief: "Convert OpenClaw's openclaw.json into a config",
    notes: [
      "Writes the config to stdout or --out; settings without an equivalent to stderr.",
      "Never admits a user that OpenClaw would reject.",
    ],
    examples: ["barnacle config import ~/.openclaw/openclaw.json --out config.jsonc"],
    exits: {
      done: "converted",
      failed: "file not readable or without Discord keys, or --out exists",
      config: "nothing to convert, or the result has errors to correct",
    },
    parameters: {
      flags: {
        ...FLAGS,
        config: UNUSED_PATH,
        out: path("File to create; must not exist (default: stdout)"),
        dryRun: flag("Write no config, only the list"),
      },
      positional: { kind: "tuple", parameters: [word("Path of openclaw.json", "file")] },
    },
    run: async (flags, io, file) => (await import("./command.ts")).importFile(flags, file, io),
  }),
});
