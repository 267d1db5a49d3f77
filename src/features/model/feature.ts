/** Tests the models of the config, and shows their costs. */

import type { Feature } from "../feature.ts";

export const model: Feature = {
  cli: async () => ({ "Diagnose": await import("./commands.ts") }),
};
