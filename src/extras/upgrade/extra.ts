/** Installs a newer version, and goes back to the one before it (O13). */

import type { Extra } from "../../cli/extras/extra.ts";

export const upgrade: Extra = {
  commands: async () => ({ "About": await import("./commands.ts") }),
};
