/**
 * Runs bots on a simulated Discord, for the demo and for tests.
 *
 * A bot is another process of this program. It gets only the environment and the config that an
 * operator would give it, so it can be killed and restarted. Its data are in a temporary directory.
 */

import process from "node:process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Exit,
  type OwnCommand,
  ownCommand,
  type OwnSignal,
  startOwnProcess,
} from "../../../host/process/own_process.ts";
import type { Env } from "../../../lib/env.ts";
import { type ModelServer, startModelServer } from "../../../../simulator/model/server.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../../../simulator/simulator.ts";

export interface SimulatedProcess {
  /** Process id; `undefined` if the start failed. */
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  readonly lines: readonly string[];
  kill(signal: OwnSignal): void;
}

/** Milliseconds for a bot to stop before it is killed. */
const CLOSE_MS = 5_000;

export async function startSimulation(options: {
  /** The program to start; this program if absent. */
  readonly command?: OwnCommand;
  /** Settings of the simulated Discord. */
  readonly simulator?: SimulatorOptions;
  /** Makes the content of the bot's config file. */
  readonly config: (simulator: Simulator, model: ModelServer) => object;
  /** Variables of the bot's environment; they override the simulation's. */
  readonly env?: Env;
  /** Working directory of the bots; this process's if absent. */
  readonly cwd?: string;
  /** Called with each line of a bot's output. */
  readonly onLine?: (line: string) => void;
}) {
  const { command = ownCommand(), config, env: extra = {}, cwd, onLine } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "barnacle-"));
  const simulator = await startSimulator({
    dave: async () => await (await import("../../voice/exports.ts")).loadDavey(),
    ...options.simulator,
  });
  const model = await startModelServer();
  const configFile = join(dataDir, "config.jsonc");
  writeFileSync(configFile, JSON.stringify(config(simulator, model), undefined, 2), {
    mode: 0o600,
  });
  const bots = new Set<SimulatedProcess>();

  function startBot(
    env: Env = {},
    args: readonly string[] = [],
    program: OwnCommand = command,
  ): SimulatedProcess {
    const lines: string[] = [];
    const child = startOwnProcess(
      program,
      ["run", "--config", configFile, "--data", dataDir, ...args],
      { ...environment(), ...stageEnv(simulator, model), ...extra, ...env },
      (line) => {
        lines.push(line);
        onLine?.(line);
      },
      cwd,
    );
    const bot: SimulatedProcess = { pid: child.pid, exited: child.exited, lines, kill: child.kill };
    bots.add(bot);
    void bot.exited.then(() => bots.delete(bot), () => bots.delete(bot));
    return bot;
  }

  return {
    simulator,
    model,
    /** Data directory, shared by all bots of the simulation, as after a restart. */
    dataDir,
    configFile,
    /** Starts a bot; `env` adds to the simulation's environment, `program` replaces its program. */
    startBot,
    /** Ends the bots, the servers and the directory. */
    async close(): Promise<void> {
      await Promise.all([...bots].map(end));
      await Promise.all([simulator.close(), model.close()]);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A simulated Discord, a scripted model, and bots. */
export type Simulation = Awaited<ReturnType<typeof startSimulation>>;

async function end(bot: SimulatedProcess): Promise<void> {
  bot.kill("SIGTERM");
  const timer = setTimeout(() => bot.kill("SIGKILL"), CLOSE_MS);
  try {
    await bot.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** The variables that every program needs, without any keys; those of Windows follow the others. */
const VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "DENO_DIR", "TMPDIR", "TZ"],
  ...["SystemRoot", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"],
];

function environment(): Env {
  return Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
}

function stageEnv(simulator: Simulator, model: ModelServer): Env {
  return {
    DISCORD_API_URL: simulator.apiUrl,
    DISCORD_BOT_TOKEN: simulator.token,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: "no-key",
    OPENAI_MODEL: model.models[0],
  };
}

/**
 * The config of the demo's bot. It names the first guild of the demo's world by its slug, and omits
 * the second.
 *
 * It follows the README's first steps, so that the reader's own bot would give the same verdicts.
 */
export function demoConfig(): {
  readonly channels: { readonly discord: object };
  readonly [section: string]: object;
} {
  return {
    agents: { turnTimeoutSec: 60 }, // after which a hanging model is cut
    channels: {
      discord: {
        dm: { allowFrom: ["ada"] },
        guilds: { "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } } },
      },
    },
    http: { port: 0 },
  };
}
