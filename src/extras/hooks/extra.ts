/** Takes events of other programs (W1). */

import type { Extra } from "../../cli/extras/extra.ts";

export const hooks: Extra = {
  account: async () => (await import("./account_part.ts")).createHooksPart,
  serve: async () => (await import("./host.ts")).createHookHost,
};
