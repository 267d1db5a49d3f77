/**
 * The commands for MCP servers, `mcp …`: their options and help.
 *
 * @module
 */

import { buildCommand } from "@stricli/core";
import { type CliGroup, describeCommand, describeGroup } from "../help/command_help.ts";
import { BOT_COMMON, end, flag, word } from "../shared/command.ts";
import type { CommonFlags } from "../shared/flags.ts";
import { createProcessIo } from "../terminal/io.ts";
import type { LoginFlags } from "./login.ts";

const SERVER = word("Name of the server in mcp.servers", "server");

const list = describeCommand({
  brief: "List MCP servers with their logins and last seen tools",
  notes: ["Asks no server. `barnacle doctor --only mcp` connects to each of them."],
  examples: ["barnacle mcp list"],
  exits: { io: true, tryAgain: true, config: true },
}, (docs) =>
  buildCommand<CommonFlags>({
    docs,
    parameters: { flags: BOT_COMMON },
    async func(flags: CommonFlags) {
      const { list } = await import("./list.ts");
      await end(this, list(flags, createProcessIo(flags)));
    },
  }));

const login = describeCommand({
  brief: "Sign in to an MCP server with OAuth",
  notes: [
    "Prints an address to open in a browser, and waits up to ten minutes for the browser to come " +
    "back. A running bot uses the login at once.",
    "If the browser is on another machine, it cannot come back. With `--paste`, copy the address " +
    "that it shows at the end, and paste it here.",
  ],
  examples: ["barnacle mcp login issues", "barnacle mcp login issues --paste"],
  exits: { failed: "the sign-in failed", io: true, tryAgain: true, config: true },
}, (docs) =>
  buildCommand<LoginFlags, [server: string]>({
    docs,
    parameters: {
      flags: {
        ...BOT_COMMON,
        paste: flag("Read the browser's last address from stdin instead of waiting for it"),
      },
      positional: { kind: "tuple", parameters: [SERVER] },
    },
    async func(flags: LoginFlags, server: string) {
      const { login } = await import("./login.ts");
      await end(this, login(flags, server, createProcessIo(flags)));
    },
  }));

const logout = describeCommand({
  brief: "Delete the login to an MCP server",
  notes: [
    "Deletes the tokens here. The server may accept them until they expire; its settings show " +
    "and end such accesses.",
  ],
  examples: ["barnacle mcp logout issues"],
  exits: { failed: "there was no login", io: true, tryAgain: true },
}, (docs) =>
  buildCommand<CommonFlags, [server: string]>({
    docs,
    parameters: { flags: BOT_COMMON, positional: { kind: "tuple", parameters: [SERVER] } },
    async func(flags: CommonFlags, server: string) {
      const { logout } = await import("./login.ts");
      await end(this, logout(flags, server, createProcessIo(flags)));
    },
  }));

/** `barnacle mcp …` */
export const mcp: CliGroup = describeGroup("Sign in to MCP servers, and list them", {
  list,
  login,
  logout,
}, "list");
