/** Has commands run by the broker, over its socket. */

import { createConnection } from "node:net";
import { z } from "zod";
import {
  type CommandRequest,
  type ResolvedCommand,
  RUN_CUTS,
  type RunEnd,
} from "../core/exec/command.ts";
import type { BrokerRequest } from "./broker.ts";
import type { WrittenLimits } from "../lib/program_limits.ts";
import type { RunningProgram } from "./run.ts";

/** Where systemd listens for the bot. */
export const BROKER_SOCKET = "/run/barnacle-exec.sock";

/** Maximum characters of an answer. */
const MAX_ANSWER = 8_000_000;

const commandSchema = z.object({
  argv: z.array(z.string()),
  path: z.string(),
  realPath: z.string(),
  contentHash: z.string(),
  cwd: z.string(),
  filesHash: z.string(),
  binding: z.string(),
  isInWorkspace: z.boolean(),
  namesProgram: z.boolean(),
});

const answerSchema = z.lazy(() =>
  z.union([
    z.object({ error: z.string() }),
    z.object({ command: commandSchema }),
    z.object({
      output: z.string(),
      end: z.object({
        code: z.number().nullable(),
        cut: z.enum(RUN_CUTS).optional(),
        ms: z.number(),
      }),
    }),
  ])
);

/** Sends a request. `stop` closes the connection, which ends the command. */
function exchange(socket: string, request: BrokerRequest) {
  const { promise: answered, resolve, reject } = Promise.withResolvers<
    z.infer<typeof answerSchema>
  >();
  const connection = createConnection(socket);
  let text = "";
  connection.setEncoding("utf8");
  connection.on("connect", () => connection.write(`${JSON.stringify(request)}\n`));
  connection.on("data", (part) => {
    text += part;
    if (text.length > MAX_ANSWER) connection.destroy(new Error("its answer is too long"));
    else if (text.endsWith("\n")) connection.destroy(); // one line is all of it
  });
  connection.on("error", (error) => reject(new Error(`the exec broker failed: ${error.message}`)));
  connection.on("close", () => {
    try {
      const answer = answerSchema.parse(JSON.parse(text));
      if ("error" in answer) reject(new Error(answer.error));
      else resolve(answer);
    } catch {
      reject(new Error("the exec broker ended without an answer"));
    }
  });
  return { answered, stop: () => connection.destroy() };
}

/** Looks a command up in the broker's workspace. */
export async function resolveRemotely(
  socket: string,
  { argv, cwd }: CommandRequest,
): Promise<ResolvedCommand> {
  const answer = await exchange(socket, { argv: [...argv], cwd }).answered;
  if (!("command" in answer)) throw new Error("the exec broker gave another answer");
  return answer.command;
}

/** Runs a command in the broker's unit. Its output comes with its end. */
export function runRemotely(
  socket: string,
  { argv, binding }: ResolvedCommand,
  cwd: string,
  { timeoutMs, limits }: { readonly timeoutMs: number; readonly limits: WrittenLimits },
): RunningProgram {
  const { answered, stop } = exchange(socket, {
    argv: [...argv],
    cwd,
    run: { binding, timeoutMs, limits },
  });
  let output = "";
  const ended = answered.then((answer): RunEnd => {
    if (!("end" in answer)) throw new Error("the exec broker gave another answer");
    output = answer.output;
    const { code, cut, ms } = answer.end;
    return { code, ms, cut };
  });
  return { output: () => output, stop, ended };
}
