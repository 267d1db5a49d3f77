/**
 * The commands for agents, `agents …`: their options and help.
 *
 * @module
 */

import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { COMMON, ONE_ACCOUNT, word } from "../shared/command.ts";
import type { AgentsFlags } from "./show.ts";

/** `barnacle agents …` */
export const agents: CliGroup = describeGroup("Show the prompt of an agent", { show: describeCommand<AgentsFlags, [agent?: string]>({
  brief: "Print an agent's whole prompt: the built-in one, yours, and that of its files",
  notes: ["A turn adds the channel's systemPrompt, and a line about the owner."],
  examples: ["barnacle agents show", "barnacle agents show main --json"],
  exits: { usage: "invalid command line, or unknown agent or account", config: true },
  parameters: {
    flags: { ...COMMON, account: ONE_ACCOUNT },
    positional: {
      kind: "tuple",
      parameters: [{
        ...word("Id of the agent (default: the first one)", "agent"),
        optional: true,
      }],
    },
  },
  run: async (flags, io, agent?) => (await import("./show.ts")).show(flags, agent, io),
}) }, "show");
