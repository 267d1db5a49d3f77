/** Servers of the Model Context Protocol: their config, and the sign-ins of owners (T13). */

import type { Feature } from "../feature.ts";
import { mcp as command } from "./command.ts";
import { mcp as keys } from "./config.ts";

export const mcp = {
  config: { mcp: keys },
  commands: [command],
  cli: async () => ({ "Look after the agent": await import("./cli_commands.ts") }),
} satisfies Feature;
