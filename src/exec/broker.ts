/**
 * Runs one command for the bot, in a unit of systemd of its own: another user, and no token (A3).
 *
 * systemd starts one broker for each connection to its socket, with the connection as input and
 * output. The broker looks the command up in its own workspace, and runs it only if everything that
 * the approval binds is unchanged. If the bot closes the connection, the command ends.
 */

import { z } from "zod";
import { MAX_PROCESSES } from "../core/exec/command.ts";
import { limitsOf, type ProgramBounds } from "../lib/program_limits.ts";
import { environmentFor, resolveCommand } from "./resolve.ts";
import { type RunningProgram, runProgram } from "./run.ts";
import { withExecLimits } from "./sandbox.ts";

/** Maximum characters of a request. */
const MAX_REQUEST = 4_000_000;

/** The unit's own folder for temporary files. */
const TEMP = "/tmp";

export const requestSchema = z.strictObject({
  argv: z.array(z.string()).min(1),
  cwd: z.string(),
  /** Absent: the bot asks for the binding. */
  run: z.strictObject({
    binding: z.string(),
    timeoutMs: z.number().min(1),
    limits: z.strictObject({
      memoryMb: z.number().min(1),
      tempMb: z.number().min(1),
      diskMb: z.number().min(1),
    }),
  }).optional(),
});

/** A request of the bot: one line of JSON. */
export type BrokerRequest = z.infer<typeof requestSchema>;

/** Serves one request. Resolves once the command has ended and the bot has the result. */
export async function serveBroker(
  workspace: string,
  { input, send }: {
    /** The bytes that the bot sends, until it closes the connection. */
    readonly input: AsyncIterable<Uint8Array>;
    readonly send: (line: string) => Promise<void>;
  },
  bounds: ProgramBounds,
): Promise<void> {
  const reader = input[Symbol.asyncIterator]();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.next();
    if (done || text.length > MAX_REQUEST) return;
    text += decoder.decode(value, { stream: true });
  }
  let running: RunningProgram | undefined;
  const answer = (body: object) => send(`${JSON.stringify(body)}\n`);
  try {
    const { run: asked, ...request } = requestSchema.parse(JSON.parse(text));
    const command = await resolveCommand(request, workspace);
    if (!asked) return await answer({ command });
    if (asked.binding !== command.binding) throw new Error("the command has changed");
    const { timeoutMs } = asked;
    const limits = limitsOf(asked.limits, MAX_PROCESSES);
    const launch = withExecLimits(
      { file: command.path, args: command.argv.slice(1) },
      bounds.prlimit,
      limits,
    );
    const bound = bounds.open(limits, [workspace, TEMP]);
    const env = environmentFor(workspace);
    const started = running = runProgram(launch, { cwd: command.cwd, env, timeoutMs, bound });
    void stopAtEnd(reader, () => started.stop());
    const end = await started.ended;
    await answer({ output: started.output(), end });
  } catch (error) {
    running?.stop();
    await answer({ error: error instanceof Error ? error.message : String(error) });
  }
}

async function stopAtEnd(reader: AsyncIterator<Uint8Array>, stop: () => void): Promise<void> {
  try {
    while (!(await reader.next()).done);
  } finally {
    stop();
  }
}
