/**
 * All tools: a new one is a module, and a line here. Turns and `docs/commands.md` use this list; the
 * config's gates derive from `core/tool_names.ts`.
 *
 * @module
 */

import type { Tool } from "../core/turn/tool.ts";
import { recall } from "./session/recall.ts";
import { readChannelHistory } from "./channel/read_channel_history.ts";
import { code } from "./code/code.ts";
import { draw } from "./images/draw.ts";
import { discord } from "./discord/discord.ts";
import { editFile, listFiles, readFile, writeFile } from "./files/files.ts";
import { exec, processTool } from "./host/exec.ts";
import { memory } from "./memory/memory.ts";
import { readSkill } from "./skills/read_skill.ts";
import { ask } from "./people/ask.ts";
import { replyInThread } from "./channel/reply_in_thread.ts";
import { remind } from "./time/remind.ts";
import { webFetch } from "./web/web_fetch.ts";
import { webSearch } from "./web/web_search.ts";

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
