/** Replaces this process by `barnacle run`, so that the bot has the terminal and its signals alone. */

import { spawn } from "node:child_process";
import process from "node:process";
import { ownCommand } from "../../host/process/own_process.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Runs the bot with a config. On a system that cannot replace processes, it is a child. */
export async function runInstead(
  { config, data }: { readonly config: string; readonly data?: string },
  { env }: Io,
): Promise<ExitCode> {
  const { program, args } = ownCommand();
  const all = [...args, "run", "--config", config, ...data === undefined ? [] : ["--data", data]];
  const { execve } = process;
  if (execve && process.platform !== "win32") execve(program, [process.argv0, ...all], { ...env });
  const child = spawn(program, all, { env: { ...env }, stdio: "inherit" });
  const ignore = () => {}; // the terminal sends Ctrl-C to both; the bot decides
  process.on("SIGINT", ignore);
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(EXIT.failed));
    child.once("close", (code) => resolve(code ?? EXIT.failed));
  });
  process.off("SIGINT", ignore);
  return Object.values(EXIT).find((one) => one === code) ?? EXIT.failed;
}
