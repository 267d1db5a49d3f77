/** Checks, shows and changes the config file. */

import type { Extra } from "../../cli/extras/extra.ts";

export const config: Extra = {
  commands: async () => ({ "Configure": await import("./commands.ts") }),
};
