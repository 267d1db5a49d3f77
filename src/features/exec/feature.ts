/** Commands on the host (A1 to A3). */

import type { Feature } from "../feature.ts";
import { exec as keys } from "./config.ts";
import { exec as tool } from "./tool.ts";

export const exec = {
  config: { exec: keys },
  tools: [tool],
} satisfies Feature;
