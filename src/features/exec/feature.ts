/** Commands on the host (A1 to A3). */

import type { Problem } from "../../config/text/problem.ts";
import type { Feature, JudgedConfig } from "../feature.ts";
import { exec as keys } from "./config.ts";
import { exec as tool } from "./tool.ts";

async function problems(judged: JudgedConfig): Promise<readonly Problem[]> {
  return judged.settings.exec ? (await import("./problems.ts")).execProblems(judged) : [];
}

export const exec = {
  config: { exec: keys },
  problems,
  tools: [tool],
} satisfies Feature;
