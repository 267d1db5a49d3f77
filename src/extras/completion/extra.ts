/** Completes command lines in shells. */

import type { Extra } from "../../cli/extras/extra.ts";

export const completion: Extra = {
  commands: async () => ({ "About": await import("./commands.ts") }),
  hidden: { __complete: async () => (await import("./complete.ts")).complete },
};
