/** Shows the bot to its owner in a browser (O6). */

import type { Feature } from "../feature.ts";
import { dashboard as command } from "./command.ts";

export const dashboard: Feature = {
  commands: [command],
  cli: async () => ({ "Diagnose": await import("./commands.ts") }),
  serve: async () => (await import("./host.ts")).serveDashboard,
};
