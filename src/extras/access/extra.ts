/** Pairs people, and tests who may talk to the bot. */

import type { Extra } from "../../cli/extras/extra.ts";

export const access: Extra = {
  commands: async () => ({ "Control access": await import("./commands.ts") }),
};
