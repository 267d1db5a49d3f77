/** Asks for what a first config needs, and writes it. */

import type { Extra } from "../../cli/extras/extra.ts";

export const setup: Extra = {
  commands: async () => ({ "Start": await import("./commands.ts") }),
};
