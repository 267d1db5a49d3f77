/**
 * All tools: a new one is a module, and a line here. The config's gates and the documentation derive
 * from this list and from `core/tool_gates.ts`.
 *
 * @module
 */

import type { Tool } from "./tool.ts";

/** None yet: a turn is one model call (the agent's issue adds the first). */
export const TOOLS: readonly Tool[] = [];
