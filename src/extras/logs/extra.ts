/** Shows the log of a bot, however it is run. */

import type { Extra } from "../../cli/extras/extra.ts";

export const logs: Extra = {
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
};
