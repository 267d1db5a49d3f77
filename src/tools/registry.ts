/**
 * All tools: a new one is a module, and a line here. Turns and `docs/commands.md` use this list; the
 * config's gates derive from `core/tool_gates.ts`.
 *
 * @module
 */

import type { Tool } from "../core/turn/tool.ts";
import { readChannelHistory } from "./channel/read_channel_history.ts";
import { replyInThread } from "./channel/reply_in_thread.ts";
import { remind } from "./time/remind.ts";
import { webFetch } from "./web/web_fetch.ts";

/** All tools, with distinct names. */
export const TOOLS: readonly Tool[] = [
  readChannelHistory,
  replyInThread,
  remind,
  webFetch,
];
