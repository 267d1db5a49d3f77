/** Tests the models of the config, and shows their costs. */

import type { Extra } from "../../cli/extras/extra.ts";

export const model: Extra = {
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
};
