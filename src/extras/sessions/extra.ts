/** Lists and resets conversations, and forgets people. */

import type { Extra } from "../../cli/extras/extra.ts";

/** The extra. */
export const sessions: Extra = {
  commands: async () => ({ "Conversations": await import("./commands.ts") }),
};
