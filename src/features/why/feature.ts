/** Explains why the bot answered a message, or did not (P1). */

import type { Feature } from "../feature.ts";
import { why as command, whyNoAnswer } from "./command.ts";

export const why: Feature = {
  commands: [command],
  messageCommands: [whyNoAnswer],
  cli: async () => ({ "Diagnose": await import("./commands.ts") }),
};
