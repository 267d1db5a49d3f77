/** The agent's memory: notes that outlast a conversation (T14). */

import type { Feature } from "../feature.ts";
import { memory as command } from "./command.ts";
import { createNotes, NOTE_TABLES } from "./store.ts";
import { memory } from "./tool.ts";

export const notes = {
  tables: NOTE_TABLES,
  store: { notes: createNotes },
  tools: [memory],
  commands: [command],
  cli: async () => ({ "Look after the agent": await import("./cli_commands.ts") }),
} satisfies Feature;
