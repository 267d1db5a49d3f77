/** Checks, shows and changes the config file. */

import type { Feature } from "../feature.ts";

export const config: Feature = {
  cli: async () => ({ "Configure": await import("./commands.ts") }),
};
