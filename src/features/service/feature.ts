/** Installs the bot as a service of the machine. */

import type { Feature } from "../feature.ts";

export const service: Feature = {
  cli: async () => ({ "Start": await import("./commands.ts") }),
};
