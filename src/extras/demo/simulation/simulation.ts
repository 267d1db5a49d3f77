/**
 * Runs bots on a simulated Discord, for the demo and for tests.
 *
 * A bot is another process of this program. It gets only the environment and the config that an
 * operator would give it, so it can be killed and restarted. Its data are in a temporary directory.
 */

import process from "node:process";
import { mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
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
import { codeOf } from "../../../lib/errors.ts";
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
      removeFolder(dataDir);
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

/** Removes a folder. Wine, which plays the scenes on Linux, cannot remove one with its content. */
function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    if (codeOf(error) !== "EFAULT") throw error;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) removeFolder(inner);
      else rmSync(inner, { force: true });
    }
    rmdirSync(path);
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

/** Seconds for a turn in the demo, after which a hanging model is cut; the default is 600. */
export const DEMO_TURN_SEC = 60;

/** A file in the workspace of the demo's agent. */
export const SAMPLE_FILE = {
  name: "tides.md",
  text: "# Tides in the harbour\n\n- low tide at six\n- high tide at noon\n",
} as const;

/** The config of the demo's bot, so far as scenes change parts of it. */
export interface DemoConfig {
  /** Limits of turns. */
  readonly agents: object;
  readonly channels: {
    readonly discord: {
      readonly dm: object;
      readonly guilds: { readonly "krill-co": { readonly channels: object } };
      /** Who approves commands on the host; absent: no person. */
      readonly execApprovals?: object;
    };
  };
  /** Commands on the host; absent: none. */
  readonly exec?: object;
  /** The bot's own server. */
  readonly http: object;
}

/**
 * Names the first guild of the demo's world by its slug, and omits the second.
 *
 * It follows the README's first steps, so that the reader's own bot would give the same verdicts.
 */
export function demoConfig(): DemoConfig {
  return {
    agents: { turnTimeoutSec: DEMO_TURN_SEC },
    channels: {
      discord: {
        dm: { allowFrom: ["ada"] },
        guilds: { "krill-co": { channels: { "*": {}, "off-topic": { requireMention: false } } } },
      },
    },
    http: { port: 0 },
  };
}
