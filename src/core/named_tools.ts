// deno-fmt-ignore-file
/**
 * Names all tools for the config, which loads none of them, as they declare themselves.
 * Generated: deno run -A scripts/reference/tools.ts
 */

import type { NamedTool } from "./tool_names.ts";

export const NAMED_TOOLS: Readonly<Record<string, NamedTool>> = {
  discord: {"group":"group:discord"},
  read_channel_history: {"group":"group:discord"},
  recall: {"group":"group:memory"},
  reply_in_thread: {"group":"group:discord"},
  read_skill: {},
  web_fetch: {"group":"group:web"},
  web_search: {"group":"group:web"},
  code: {},
  draw: {},
  send_file: {},
  ask: {},
  read_file: {"isForOwners":true,"group":"group:fs"},
  write_file: {"isForOwners":true,"group":"group:fs"},
  edit_file: {"isForOwners":true,"group":"group:fs"},
  list_files: {"isForOwners":true,"group":"group:fs"},
  exec: {"isForOwners":true},
  memory: {"group":"group:memory"},
  remind: {},
  voice: {},
};
