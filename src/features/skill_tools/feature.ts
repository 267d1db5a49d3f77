/** Checks and tries tools of skills on the command line, without Discord (T7a). */

import type { Feature } from "../feature.ts";

export const skillTools: Feature = {
  cli: async () => ({ "Look after the agent": await import("./commands.ts") }),
};
