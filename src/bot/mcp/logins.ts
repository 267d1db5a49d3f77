/** Connects the logins at MCP servers with the config and the data directory. */

import type { BotConfig } from "../../config/config.ts";
import type { McpServerLogins } from "../../interactions/parts/mcp_sign_ins.ts";
import { beginLogin, mcpStates, signInServer } from "../../mcp/server_logins.ts";
import { loginsIn, seenIn, serversOf } from "./ports.ts";

export function createServerLogins(
  config: () => Pick<BotConfig, "mcp">,
  dataDir: string,
): McpServerLogins {
  const logins = loginsIn(dataDir);
  const seen = seenIn(dataDir);
  return {
    states: () => mcpStates(serversOf(config(), "operator"), logins, seen),
    find(id) {
      const found = signInServer(serversOf(config()), id);
      if (found.kind === "problem") return found;
      const { server } = found;
      return {
        kind: "found",
        port: server.oauth?.callbackPort,
        begin: (redirectUrl) => beginLogin(id, server, redirectUrl, logins),
      };
    },
    remove: (id) => logins.remove(id),
  };
}
