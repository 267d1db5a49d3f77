/** Pairs people, and tests who may talk to the bot. */

import type { Feature } from "../feature.ts";

export const access: Feature = {
  cli: async () => ({ "Control access": await import("./commands.ts") }),
};
