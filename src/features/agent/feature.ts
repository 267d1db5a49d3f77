/** Lists and changes the agent's approvals, notes, schedules and MCP servers. */

import type { Feature } from "../feature.ts";

export const agent: Feature = {
  cli: async () => {
    return { "Look after the agent": await import("./commands.ts") };
  },
};
