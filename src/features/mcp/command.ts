/** `/mcp`: shows the logins to MCP servers, signs in, and deletes a login (T13). */

import type { Command, CommandOption } from "../../interactions/base/command.ts";

const server: CommandOption = {
  name: "server",
  description: "Name of the MCP server in my config",
  type: "text",
  isRequired: true,
  suggest: async ({ typed }, account) =>
    (await import("./sign_ins.ts")).suggestedServers(account, typed.text),
};

const answer: CommandOption = {
  name: "answer",
  description: "Last address of your browser, if it could not open it",
  type: "text",
};

export const mcp: Command = {
  name: "mcp",
  description: "Show, begin or delete my logins to MCP servers",
  subcommands: [
    { name: "list", description: "Show all servers and my logins to them" },
    { name: "login", description: "Sign in to a server", options: [server, answer] },
    { name: "logout", description: "Delete the login to a server", options: [server] },
  ],
  needs: "owner",
  isPrivate: true,
  isOffered: ({ config }) =>
    Object.values(config().mcp.servers).some(({ login }) => login === "operator"),
  run: async (call, account) => await (await import("./sign_ins.ts")).runMcp(account, call),
};
