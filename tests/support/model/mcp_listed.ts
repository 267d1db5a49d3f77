/** Waits for the tools of MCP servers, however slow the machine is: a turn waits only a moment. */

import type { McpServers } from "../../../src/mcp/servers.ts";

/** Ends once each server has told its tools, or has failed. */
export async function listed(servers: McpServers): Promise<void> {
  const isConnecting = () => servers.states().some(({ state }) => state === "connecting");
  do {
    await servers.list(() => true);
    await new Promise((resolve) => setImmediate(resolve));
  } while (isConnecting());
}
