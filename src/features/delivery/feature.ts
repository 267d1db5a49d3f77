/** Sends messages, and lists unsent ones. */

import type { Feature } from "../feature.ts";

export const delivery: Feature = {
  cli: async () => ({ "Send messages": await import("./commands.ts") }),
};
