/** Installs the bot as a service of the machine. */

import type { Extra } from "../../cli/extras/extra.ts";

export const service: Extra = {
  commands: async () => ({ "Start": await import("./commands.ts") }),
};
