/** The tool `exec`: commands on the host, without a shell (A1 to A3). */

import { z } from "zod";
import { MAX_COMMAND_MS } from "../../core/exec/command.ts";
import type { ExecCall } from "../../core/turn/host.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

const input = () =>
  z.strictObject({
    argv: z.array(z.string().max(10_000)).min(1).max(200)
      .describe("The program and its arguments, one each. There is no shell: no pipes, no *."),
    cwd: z.string().max(1_000).default("").describe("Folder within your workspace."),
    timeoutSec: z.int().min(1).max(MAX_COMMAND_MS / 1_000).default(MAX_COMMAND_MS / 1_000),
  });

function callOf({ timeoutSec, ...call }: z.infer<ReturnType<typeof input>>): ExecCall {
  return { ...call, timeoutMs: timeoutSec * 1_000 };
}

export const exec: Tool = defineTool({
  name: "exec",
  isForOwners: true,
  isEnabled: ({ exec }) => exec !== undefined,
  short: { description: "Runs a program on the host, without a shell.", fields: ["argv"] },
  description:
    "Runs a program on your host, in your workspace. It may need the approval of a person first: the " +
    "call then waits. Of long output, you get the beginning and the end.",
  input,
  seenAt: "nowhere",
  needs: [],
  isIdempotent: false,
  effect: () => ({ object: "command" }),
  asks: async (asked, context) => (await import("./exec.ts")).execQuestion(callOf(asked), context),
  run: async (asked, context) => (await import("./exec.ts")).runExec(callOf(asked), context),
});
