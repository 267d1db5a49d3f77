/** Shows the bot to its owner in a browser (O6). */

import type { Feature } from "../feature.ts";

export const dashboard: Feature = {
  cli: async () => ({ "Diagnose": await import("./commands.ts") }),
  serve: async () => (await import("./host.ts")).serveDashboard,
};
