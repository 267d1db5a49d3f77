/** Checks and tries tools of skills on the command line, without Discord (T7a). */

import type { Extra } from "../../cli/extras/extra.ts";

export const skillTools: Extra = {
  commands: async () => ({ "Look after the agent": await import("./commands.ts") }),
};
