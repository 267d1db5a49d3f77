/** Lists and resets conversations, and forgets people. */

import type { Feature } from "../feature.ts";

export const sessions: Feature = {
  cli: async () => ({ "Conversations": await import("./commands.ts") }),
};
