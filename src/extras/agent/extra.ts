/** Lists and changes the agent's approvals, notes, schedules and MCP servers. */

import type { Extra } from "../../cli/extras/extra.ts";

export const agent: Extra = {
  commands: async () => {
    const { execBroker, ...commands } = await import("./commands.ts");
    return { "Look after the agent": { ...commands, "exec-broker": execBroker } };
  },
};
