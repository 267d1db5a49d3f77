/**
 * A bot on a simulated Discord: what the demo shows, and what the tests watch.
 *
 * The bot is this very program, started as another process with nothing but
 * the environment and the config that an operator would give it, so it can be
 * killed and started again like any other. It lives in a temporary directory.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  type Command,
  type Exit,
  ownCommand,
  type OwnSignal,
  startOwnProcess,
} from "../../../host/process/own_process.ts";
import { type ModelServer, startModelServer } from "../../../../simulator/model/server.ts";
import {
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../../../simulator/simulator.ts";
import type { Env } from "../../terminal/io.ts";

export interface StageOptions {
  /** The Barnacle to start; the one that is running, if absent. */
  readonly command?: Command;
  readonly simulator?: SimulatorOptions;
  /** What stands in the bot's config file; made from the simulated world. */
  readonly config: (simulator: Simulator) => object;
  /** Variables of the bot's environment, over those of the stage; the scripted model's unless set. */
  readonly env?: Env;
  /** Working directory of the bots; that of this process, if absent. */
  readonly cwd?: string;
  /** Told of each line that a bot writes. */
  readonly onLine?: (line: string) => void;
}

export interface StagedBot {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  /** Everything that it wrote so far, line by line. */
  readonly lines: readonly string[];
  kill(signal: OwnSignal): void;
}

export interface Stage {
  readonly simulator: Simulator;
  readonly model: ModelServer;
  /** Of the bots: one after the other uses it, as restarts do. */
  readonly dataDir: string;
  readonly configFile: string;
  /** Starts a bot; the environment is added to the stage's. */
  startBot(env?: Env, args?: readonly string[]): StagedBot;
  /** Ends the bots, the servers and the directory. */
  close(): Promise<void>;
}

/** Milliseconds that a bot has to end by itself when the stage closes. */
const CLOSE_MS = 5_000;

export async function startStage(options: StageOptions): Promise<Stage> {
  const { command = ownCommand(), config, env: extra = {}, cwd, onLine } = options;
  const dataDir = mkdtempSync(join(tmpdir(), "barnacle-"));
  const simulator = await startSimulator(options.simulator);
  const model = await startModelServer();
  const configFile = join(dataDir, "config.jsonc");
  writeFileSync(configFile, JSON.stringify(config(simulator), undefined, 2), { mode: 0o600 });
  const bots = new Set<StagedBot>();

  function startBot(env: Env = {}, args: readonly string[] = []): StagedBot {
    const lines: string[] = [];
    const child = startOwnProcess(
      command,
      ["run", "--config", configFile, "--data", dataDir, ...args],
      { ...environment(), ...stageEnv(simulator, model), ...extra, ...env },
      (line) => {
        lines.push(line);
        onLine?.(line);
      },
      cwd,
    );
    const bot: StagedBot = { pid: child.pid, exited: child.exited, lines, kill: child.kill };
    bots.add(bot);
    void bot.exited.then(() => bots.delete(bot), () => bots.delete(bot));
    return bot;
  }

  return {
    simulator,
    model,
    dataDir,
    configFile,
    startBot,
    async close() {
      await Promise.all([...bots].map(end));
      await Promise.all([simulator.close(), model.close()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function end(bot: StagedBot): Promise<void> {
  bot.kill("SIGTERM");
  const timer = setTimeout(() => bot.kill("SIGKILL"), CLOSE_MS);
  try {
    await bot.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** What a program needs of its surroundings; nobody's keys come along. */
function environment(): Env {
  const { PATH, HOME, DENO_DIR, TMPDIR, TZ } = process.env;
  return { PATH, HOME, DENO_DIR, TMPDIR, TZ };
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
