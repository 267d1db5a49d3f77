/** Tells owners of problems, once each (O12). */

import type { Extra } from "../../cli/extras/extra.ts";
import { createLoadedAlerts } from "./load_watch.ts";

export const alerts: Extra = {
  commands: async () => ({ "Diagnose": await import("./commands.ts") }),
  watch: createLoadedAlerts,
};
