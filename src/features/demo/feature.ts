/** Runs the bot against a simulated Discord. */

import type { Feature } from "../feature.ts";

export const demo: Feature = { cli: async () => ({ "Start": await import("./commands.ts") }) };
