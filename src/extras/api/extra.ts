/** Offers the agent to programs: OpenAI's API and MCP (O14). */

import type { Extra } from "../../cli/extras/extra.ts";

export const api: Extra = {
  commands: async () => ({ "Look after the agent": await import("./commands.ts") }),
  serve: async () => (await import("./host.ts")).serveApi,
};
