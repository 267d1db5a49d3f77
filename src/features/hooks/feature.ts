/** Takes events of other programs (W1), and of servers (W7), which turns answer. */

import type { Feature } from "../feature.ts";
import { hooks as keys } from "./config.ts";
import { createHooks } from "./store.ts";
import { HOOK_TABLES } from "./table.ts";

export const hooks = {
  config: { hooks: keys },
  tables: HOOK_TABLES,
  store: { hooks: createHooks },
  account: async () => (await import("./account_part.ts")).createHooksPart,
  serve: async () => (await import("./host.ts")).createHookHost,
} satisfies Feature;
