/** Sends messages, and lists unsent ones. */

import type { Extra } from "../../cli/extras/extra.ts";

/** The extra. */
export const delivery: Extra = {
  commands: async () => ({ "Send messages": await import("./commands.ts") }),
};
