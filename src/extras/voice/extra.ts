/** Talks in voice channels, if the config has `voice` (V1). */

import type { Extra } from "../../cli/extras/extra.ts";

export const voice: Extra = {
  account: async () => (await import("./account_voice.ts")).createAccountVoice,
};
