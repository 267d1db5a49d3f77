/** Takes events of other programs (W1), and of servers (W7), which turns answer. */

import type { Problem } from "../../config/text/problem.ts";
import type { Feature, JudgedConfig } from "../feature.ts";
import { hooks as keys } from "./config.ts";
import { createHooks } from "./store.ts";
import { HOOK_TABLES } from "./table.ts";

async function problems(judged: JudgedConfig): Promise<readonly Problem[]> {
  const { hooks, agents: { list } } = judged.settings;
  if (!hooks && !list.some(({ on }) => on)) return [];
  return (await import("./problems.ts")).hookProblems(judged);
}

export const hooks = {
  config: { hooks: keys },
  problems,
  tables: HOOK_TABLES,
  store: { hooks: createHooks },
  account: async () => (await import("./account_part.ts")).createHooksPart,
  serve: async () => (await import("./host.ts")).createHookHost,
} satisfies Feature;
