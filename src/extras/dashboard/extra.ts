/** Shows the bot to its owner in a browser (O6). */

import type { Extra } from "../../cli/extras/extra.ts";

export const dashboard: Extra = {
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
  serve: async () => (await import("./host.ts")).serveDashboard,
};
