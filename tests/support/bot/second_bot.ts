/** Runs a Barnacle beside those of a simulation: another process with data of its own. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Env } from "../../../src/lib/env.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { type OwnCommand, startOwnProcess } from "../../../src/host/process/own_process.ts";
import { API_KEY, commandUnderTest, PATIENCE_MS, type Scene } from "./e2e.ts";

export interface SecondBotOptions {
  /** Its program; {@link commandUnderTest} if absent. */
  readonly command?: OwnCommand;
  readonly env?: Env;
  readonly flags?: readonly string[];
  /** Its own config; the simulation's, if absent. */
  readonly config?: object;
  readonly onLine?: (line: string) => void;
  /** Name of its data directory; another one than those of the bots beside it. */
  readonly name?: string;
  /** Milliseconds after which it is killed; by default, three times those of a wait. */
  readonly lifeMs?: number;
  /**
   * Whether it starts again after 75, as a service does: on a busy machine it may lose a lease. Its lines
   * are those of the last start.
   */
  readonly isService?: boolean;
}

/** Starts it; it ends with the test, or is killed if it does not end in time. */
export function startSecondBot(
  { dataDir, configFile, simulator, model }: Scene,
  {
    command = commandUnderTest(),
    env = {},
    flags = [],
    config,
    onLine,
    name = "elsewhere",
    lifeMs = 3 * PATIENCE_MS,
    isService = false,
  }: SecondBotOptions = {},
): SimulatedProcess & AsyncDisposable {
  const lines: string[] = [];
  const ownConfig = join(dataDir, `${name}.jsonc`);
  if (config) writeFileSync(ownConfig, JSON.stringify(config), { mode: 0o600 });
  const { PATH, HOME, DENO_DIR } = process.env;
  const start = () =>
    startOwnProcess(
      command,
      [
        "run",
        "--config",
        config ? ownConfig : configFile,
        "--data",
        join(dataDir, name),
        ...flags,
      ],
      {
        PATH,
        HOME,
        DENO_DIR,
        DISCORD_API_URL: simulator.apiUrl,
        DISCORD_BOT_TOKEN: simulator.token,
        OPENAI_BASE_URL: model.baseUrl,
        OPENAI_API_KEY: API_KEY,
        OPENAI_MODEL: model.models[0],
        ...env,
      },
      (line) => {
        lines.push(line);
        onLine?.(line);
      },
    );
  let child = start();
  let mayRestart = isService;
  const kill: typeof child.kill = (signal) => {
    mayRestart = false;
    return child.kill(signal);
  };
  async function lastExit(): ReturnType<typeof start>["exited"] {
    for (;;) {
      const exit = await child.exited;
      if (!mayRestart || exit.code !== 75) return exit;
      lines.length = 0;
      child = start();
    }
  }
  const exited = lastExit();
  const timer = setTimeout(() => kill("SIGKILL"), lifeMs);
  return {
    get pid() {
      return child.pid;
    },
    exited,
    lines,
    kill,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      kill("SIGKILL");
      await exited;
    },
  };
}
