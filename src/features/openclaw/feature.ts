/** Converts OpenClaw's config. */

import type { Feature } from "../feature.ts";

export const openclaw: Feature = {
  cli: async () => ({ "Configure": await import("./commands.ts") }),
};
