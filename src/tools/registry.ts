/**
 * All tools: a new one is a module, and a line here. Turns and `docs/commands.md` use this list; the
 * config's gates derive from `core/tool_names.ts`.
 *
 * @module
 */

import type { Tool } from "../core/turn/tool.ts";
import { memory, recall } from "./memory.ts";
import { readChannelHistory, replyInThread } from "./channel.ts";
import { code, draw } from "./made_files.ts";
import { discord } from "./discord/discord.ts";
import { editFile, listFiles, readFile, readSkill, writeFile } from "./files.ts";
import { exec, processTool } from "./exec.ts";
import { ask } from "./ask.ts";
import { remind } from "./remind.ts";
import { webFetch, webSearch } from "./web.ts";

/** All tools, with distinct names. */
export const TOOLS: readonly Tool[] = [
  discord,
  readChannelHistory,
  recall,
  memory,
  replyInThread,
  remind,
  readSkill,
  webFetch,
  webSearch,
  code,
  draw,
  ask,
  readFile,
  writeFile,
  editFile,
  listFiles,
  exec,
  processTool,
];
