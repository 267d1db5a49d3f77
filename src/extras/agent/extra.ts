/** Lists and changes the agent's approvals, notes, schedules and MCP servers. */

import type { Extra } from "../../cli/extras/extra.ts";

export const agent: Extra = {
  commands: async () => {
    return { "Look after the agent": await import("./commands.ts") };
  },
};
