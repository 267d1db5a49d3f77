/** Explains recorded decisions of the bot. */

import type { Extra } from "../../cli/extras/extra.ts";

/** The extra. */
export const why: Extra = {
  name: "why",
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
};
