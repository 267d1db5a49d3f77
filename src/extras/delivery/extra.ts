/** Sends messages, and lists unsent ones. */

import type { Extra } from "../../cli/extras/extra.ts";

export const delivery: Extra = {
  commands: async () => ({ "Send messages": await import("./commands.ts") }),
};
