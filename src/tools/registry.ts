/**
 * Lists all tools: a new one is a module, and a line here.
 *
 * Nothing calls them yet, and nothing derives from this list. The config's gates come from
 * `core/tool_gates.ts`.
 *
 * @module
 */

import type { Tool } from "./tool.ts";

/** None yet: a turn is one model request. */
export const TOOLS: readonly Tool[] = [];
