/** Copies store, config and workspaces into one file, and back (O11). */

import type { Extra } from "../../cli/extras/extra.ts";

export const backup: Extra = {
  commands: async () => ({ "Back up and move": await import("./commands.ts") }),
  serve: async () => (await import("./nightly.ts")).serveNightly,
};
