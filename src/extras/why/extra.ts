/** Explains recorded decisions of the bot. */

import type { Extra } from "../../cli/extras/extra.ts";

export const why: Extra = { commands: async () => ({ "Diagnose": await import("./commands.ts") }) };
