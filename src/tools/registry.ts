/**
 * All tools: a new one is a module, and a line here. Turns and `docs/commands.md` use this list, and
 * the names that the config knows derive from it.
 */

import type { Tool } from "../core/turn/tool.ts";
import { readChannelHistory, recall, replyInThread } from "./channel.ts";
import { ask } from "./ask.ts";
import { code, draw, sendFile } from "./made_files.ts";
import { webFetch, webSearch } from "./web.ts";
import { discord } from "./discord/discord.ts";
import { editFile, listFiles, readFile, readSkill, writeFile } from "./workspace_files.ts";
import { schemaOf } from "./generated/definitions.ts";
import { FEATURES } from "../features/features.ts";

export const TOOLS: readonly Tool[] = [
  discord,
  readChannelHistory,
  recall,
  replyInThread,
  readSkill,
  webFetch,
  webSearch,
  code,
  draw,
  sendFile,
  ask,
  readFile,
  writeFile,
  editFile,
  listFiles,
  ...FEATURES.flatMap(({ tools = [] }) => tools),
].map(described);

/**
 * Gives a tool the generated schema for the model. To derive all of them from the tools' inputs takes
 * 5 ms before the first reply; a tool without one gets its schema that way.
 */
function described(tool: Tool): Tool {
  const get = () => schemaOf(tool.name);
  return "parameters" in tool ? tool : Object.defineProperty(tool, "parameters", { get });
}
