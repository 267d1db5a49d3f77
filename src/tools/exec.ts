/** The tools `exec` and `process`: commands on the host, without a shell (A1 to A3). */

import { z } from "zod";
import { MAX_COMMAND_MS } from "../core/exec/command.ts";
import type { ExecCall } from "../core/turn/ports/host.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";

/** Maximum seconds of a job. */
const MAX_JOB_SEC = 3_600;

const input = () =>
  z.strictObject({
    argv: z.array(z.string().max(10_000)).min(1).max(200)
      .describe("The program and its arguments, one each. There is no shell: no pipes, no *."),
    cwd: z.string().max(1_000).default("").describe("Folder within your workspace."),
    background: z.boolean().default(false)
      .describe("Runs it as a job. `process` then shows its output."),
    timeoutSec: z.int().min(1).max(MAX_JOB_SEC).optional(),
  });

function callOf(
  { argv, cwd, background, timeoutSec }: z.infer<ReturnType<typeof input>>,
): ExecCall {
  const mostMs = background ? MAX_JOB_SEC * 1_000 : MAX_COMMAND_MS;
  const timeoutMs = timeoutSec === undefined ? mostMs : Math.min(timeoutSec * 1_000, mostMs);
  return { argv, cwd, isJob: background, timeoutMs };
}

export const exec: Tool = defineTool({
  name: "exec",
  short: { description: "Runs a program on the host, without a shell.", fields: ["argv"] },
  description:
    "Runs a program on your host, in your workspace. It may need the approval of a person first: the " +
    "call then waits. Of long output, you get the beginning and the end.",
  input,
  needs: [],
  isIdempotent: false,
  effect: () => ({ object: "command", did: "run" }),
  asks: (asked, context) => context.ports.exec.question(callOf(asked), context),
  run: (asked, context) => context.ports.exec.run(callOf(asked), context),
});

const jobInput = () =>
  z.strictObject({
    action: z.enum(["poll", "kill"]),
    job: z.int().min(1).describe("Number that `exec` returned."),
  });

/** Shows and ends jobs. */
export const processTool: Tool = defineTool({
  name: "process",
  description: "Shows the output of a job that `exec` has started, or ends the job.",
  input: jobInput,
  needs: [],
  isIdempotent: true, // a job that has ended stays so
  afterEdit: (given) => jobInput().safeParse(given).data?.action === "poll",
  effect: () => ({ object: "job", did: "ended" }),
  run: ({ action, job }, context) => context.ports.exec[action](job, context),
});
