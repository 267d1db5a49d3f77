/** `barnacle mcp`: options and help. */

import { type CliGroup, describeCommand, describeGroup } from "../../cli/help/command_help.ts";
import { BOT_COMMON, type CommonFlags, flag, word } from "../../cli/shared/command.ts";
import type { LoginFlags } from "./cli.ts";

const SERVER = word("Name of the server in mcp.servers", "server");

export const mcp: CliGroup = describeGroup("List MCP servers, and sign in to them", {
  list: describeCommand<CommonFlags>({
    brief: "List MCP servers with their logins and last seen tools",
    notes: ["Asks no server. `barnacle doctor --only mcp` connects to each of them."],
    examples: ["barnacle mcp list"],
    exits: { io: true, tryAgain: true, config: true },
    parameters: { flags: BOT_COMMON },
    run: async (flags, io) => (await import("./cli.ts")).list(flags, io),
  }),
  login: describeCommand<LoginFlags, [server: string]>({
    brief: "Sign in to an MCP server with OAuth",
    notes: [
      "Prints an address to open in a browser, and waits up to ten minutes for the browser to come " +
      "back. A running bot uses the login at once.",
      "If the browser is on another machine, it cannot come back. With `--paste`, copy the address " +
      "that it shows at the end, and paste it here.",
    ],
    examples: ["barnacle mcp login issues", "barnacle mcp login issues --paste"],
    exits: { failed: "the sign-in failed", io: true, tryAgain: true, config: true },
    parameters: {
      flags: {
        ...BOT_COMMON,
        paste: flag("Read the browser's last address from stdin instead of waiting for it"),
      },
      positional: { kind: "tuple", parameters: [SERVER] },
    },
    run: async (flags, io, server) => (await import("./cli.ts")).login(flags, server, io),
  }),
  logout: describeCommand<CommonFlags, [server: string]>({
    brief: "Delete the login to an MCP server",
    notes: [
      "Deletes the tokens here. The server may accept them until they expire; its settings show " +
      "and end such accesses.",
    ],
    examples: ["barnacle mcp logout issues"],
    exits: { failed: "there was no login", io: true, tryAgain: true },
    parameters: { flags: BOT_COMMON, positional: { kind: "tuple", parameters: [SERVER] } },
    run: async (flags, io, server) => (await import("./cli.ts")).logout(flags, server, io),
  }),
}, "list");
