/** Installs a newer version, and goes back to the one before it (O13). */

import type { Feature } from "../feature.ts";

export const upgrade: Feature = {
  cli: async () => ({ "About": await import("./commands.ts") }),
};
