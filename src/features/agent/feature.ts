/** Lists and changes the agent's approvals and MCP servers, and pauses it. */

import type { Feature } from "../feature.ts";

export const agent: Feature = {
  cli: async () => {
    return { "Look after the agent": await import("./commands.ts") };
  },
};
