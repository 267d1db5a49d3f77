/** Explains recorded decisions of the bot. */

import type { Feature } from "../feature.ts";

export const why: Feature = { cli: async () => ({ "Diagnose": await import("./commands.ts") }) };
