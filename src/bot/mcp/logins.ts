/** Connects the logins at MCP servers with the config and the data directory. */

import type { BotConfig } from "../../config/config.ts";
import { beginLogin, mcpStates, signInServer } from "../../mcp/sign_in.ts";
import { loginsIn, seenIn, serversOf } from "./ports.ts";

export function createServerLogins(
  config: () => { readonly mcp: BotConfig["mcp"] },
  dataDir: string,
) {
  const logins = loginsIn(dataDir);
  const seen = seenIn(dataDir);
  return {
    states: () => mcpStates(serversOf(config(), "operator"), logins, seen),
    find(id: string) {
      const found = signInServer(serversOf(config()), id);
      if (found.kind === "problem") return found;
      const { server } = found;
      return {
        kind: "found" as const,
        port: server.oauth?.callbackPort,
        /** Begins a sign-in; rejects with the reason for the owner. */
        begin: (redirectUrl: string) => beginLogin(id, server, redirectUrl, logins),
      };
    },
    /** Deletes a login. @returns Whether there was one. */
    remove: (id: string) => logins.remove(id),
  };
}
