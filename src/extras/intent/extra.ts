/** Measures the intent filter on conversations. */

import type { Extra } from "../../cli/extras/extra.ts";

export const intent: Extra = {
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
};
