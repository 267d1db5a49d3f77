/** Copies store, config and workspaces into one file, and back (O11). */

import type { Feature } from "../feature.ts";
import { backup as keys } from "./config.ts";

export const backup = {
  config: { backup: keys },
  cli: async () => ({ "Back up and move": await import("./commands.ts") }),
  serve: async () => (await import("./nightly.ts")).serveNightly,
} satisfies Feature;
