/** Converts OpenClaw's config. */

import type { Extra } from "../../cli/extras/extra.ts";

export const openclaw: Extra = {
  commands: async () => ({ "Configure": await import("./commands.ts") }),
};
