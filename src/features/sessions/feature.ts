/** Lists and resets conversations. */

import type { Feature } from "../feature.ts";

export const sessions: Feature = {
  cli: async () => ({ "Conversations": await import("./commands.ts") }),
};
