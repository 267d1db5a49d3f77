/**
 * All tools: a new one is a module, and a line here. Nothing calls them yet. `docs/commands.md` lists
 * them; the config's gates derive from `core/tool_gates.ts`.
 *
 * @module
 */

import type { Tool } from "../core/turn/tool.ts";

/** None yet: a turn is one model request. */
export const TOOLS: readonly Tool[] = [];
