/** Runs the bot against a simulated Discord. */

import type { Extra } from "../../cli/extras/extra.ts";

export const demo: Extra = { commands: async () => ({ "Start": await import("./commands.ts") }) };
