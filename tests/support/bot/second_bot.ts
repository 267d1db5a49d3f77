/** Runs a Barnacle beside those of a simulation: another process with data of its own. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Env } from "../../../src/lib/env.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { API_KEY, commandUnderTest, PATIENCE_MS, type Scene } from "./e2e.ts";

/** Starts it; it ends with the test, or is killed if it does not end in time. */
export function startSecondBot(
  { dataDir, configFile, simulator, model }: Scene,
  { env = {}, flags = [], config, name = "elsewhere" }: {
    readonly env?: Env;
    readonly flags?: readonly string[];
    /** Its own config; the simulation's, if absent. */
    readonly config?: object;
    /** Name of its data directory; another one than those of the bots beside it. */
    readonly name?: string;
  } = {},
): SimulatedProcess & AsyncDisposable {
  const lines: string[] = [];
  const ownConfig = join(dataDir, `${name}.jsonc`);
  if (config) writeFileSync(ownConfig, JSON.stringify(config), { mode: 0o600 });
  const { PATH, HOME, DENO_DIR } = process.env;
  const child = startOwnProcess(
    commandUnderTest(),
    ["run", "--config", config ? ownConfig : configFile, "--data", join(dataDir, name), ...flags],
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
    (line) => void lines.push(line),
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), 3 * PATIENCE_MS);
  return {
    ...child,
    lines,
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
