/** `barnacle mcp serve`: its options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, text } from "../../cli/shared/command.ts";
import type { McpServeFlags } from "./mcp_serve.ts";

export const mcp: CliGroup = describeGroup("List MCP servers, sign in to them, or be one", {
  serve: describeCommand<McpServeFlags>({
    brief: "Offer the running bot to an MCP client, over stdin and stdout",
    notes: [
      "An MCP client starts this command. Its tools ask an agent, send, read and search on Discord, " +
      "and list open approvals, with the rights of the user of a program in `api.programs`.",
    ],
    examples: ["barnacle mcp serve", "barnacle mcp serve --program desktop"],
    exits: { io: true, tryAgain: true, config: true },
    parameters: {
      flags: {
        ...BOT_COMMON,
        program: {
          ...text("Program of api.programs (default: the only one)", "name"),
          optional: true,
        },
      },
    },
    run: async (flags, io) => (await import("./mcp_serve.ts")).serve(flags, io),
  }),
});
