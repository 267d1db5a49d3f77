/** The commands for tools of skills: their options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { COMMON, type CommonFlags, word } from "../../cli/shared/command.ts";

export const skill: CliGroup = describeGroup("Check and try tools of skills, without Discord", {
  check: describeCommand<CommonFlags>({
    brief: "List the tools of skills, and what is wrong with a file",
    examples: ["barnacle skill check"],
    exits: { failed: "a skill or a tool cannot be used", config: true },
    parameters: { flags: COMMON },
    run: async (flags, io) => (await import("./skill.ts")).check(flags, io),
  }),
  test: describeCommand<CommonFlags, [name: string, input?: string]>({
    brief: "Run a tool of a skill once, and print its result",
    notes: ["It asks its hosts, with the headers of the config. It can call no other tool."],
    examples: [`barnacle skill test weather/forecast '{ "place": "Hamburg" }'`],
    exits: { failed: "the tool failed, or there is none of that name", config: true },
    parameters: {
      flags: COMMON,
      positional: {
        kind: "tuple",
        parameters: [
          word("Name of the tool, or `<skill>/<tool>`", "name"),
          { ...word("Its input as JSON (default: {})", "input"), optional: true },
        ],
      },
    },
    run: async (flags, io, name, input?) =>
      (await import("./skill.ts")).test(flags, name, input, io),
  }),
}, "check");
