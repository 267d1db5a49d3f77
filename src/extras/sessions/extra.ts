/** Lists and resets conversations, and forgets people. */

import type { Extra } from "../../cli/extras/extra.ts";

export const sessions: Extra = {
  commands: async () => ({ "Conversations": await import("./commands.ts") }),
};
