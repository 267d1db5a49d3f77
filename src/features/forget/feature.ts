/** Forgets people (X5): by their own command, or by the operator's. */

import type { Feature } from "../feature.ts";
import { forget as command } from "./command.ts";

export const forget: Feature = {
  commands: [command],
  cli: async () => ({ "Conversations": await import("./cli_commands.ts") }),
};
