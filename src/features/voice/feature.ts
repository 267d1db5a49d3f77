/** Talks in voice channels, if the config has `voice` (V1). */

import type { Feature } from "../feature.ts";
import { hearButton, VOICE_COMMANDS } from "./commands.ts";
import { voice as keys } from "./config.ts";
import { createVoice } from "./store.ts";
import { VOICE_TABLES } from "./table.ts";
import { voice as tool } from "./tool.ts";

export const voice = {
  config: { voice: keys },
  tables: VOICE_TABLES,
  store: { voice: createVoice },
  tools: [tool],
  commands: VOICE_COMMANDS,
  components: [hearButton],
  account: async () => (await import("./account_voice.ts")).createAccountVoice,
} satisfies Feature;
