/**
 * Runs the whole bot on a simulated Discord, as people there would use it.
 *
 * The bot is a process of its own: the binary in `BARNACLE_BIN`, or the source on the test's
 * runtime. At the end of every test, each request is checked against Discord's own document.
 * Discord may have refused only requests that the test announced, and no log line may contain a
 * secret.
 */

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type SimulatedProcess,
  type Simulation,
  startSimulation,
} from "../../../src/features/demo/simulation/simulation.ts";
import {
  type Exit,
  type OwnCommand,
  ownCommand,
  startOwnProcess,
} from "../../../src/host/process/own_process.ts";
import type { Env } from "../../../src/lib/env.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import type { StatusReport } from "../../../src/http/app.ts";
import { openReader } from "../../../src/store/database/database.ts";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import type { Simulator, SimulatorOptions } from "../../../simulator/simulator.ts";
import type { Message, User } from "../../../simulator/world/world.ts";
import { judgeLog, judgeRequests, secretsOf } from "./judges.ts";

/**
 * Looks like a key, so that the log's filters for keys are tested, too. Its characters do not count
 * up: the script's tide table, read as octal codes, has "0123456789ABCDEF".
 */
export const API_KEY = "sk-canary-7Qm2XvB9tLr4Zk8NwPc3Hs6DyJ";

/** Milliseconds within which every awaited event must happen. */
export const PATIENCE_MS = 120_000; // a whole run beside other work takes three times its time

/** Milliseconds between two checks that poll. */
const LOOK_EVERY_MS = 50;

/** Milliseconds within which a costly check polls again. */
const LOOK_AT_LEAST_MS = 1_000;

/** Milliseconds: more than the longest step of a file system's clock here. */
const CLOCK_STEP_MS = 40;

export function commandUnderTest(): OwnCommand {
  const binary = process.env["BARNACLE_BIN"];
  return binary ? { program: binary, args: [] } : ownCommand();
}

export interface SceneOptions {
  readonly simulator?: SimulatorOptions;
  /** Keys of `channels.discord`, over the scene's own. */
  readonly discord?: (simulator: Simulator) => object;
  /** Keys beside `channels`, over the scene's own. */
  readonly config?: {
    readonly messages?: object;
    readonly tools?: object;
    readonly http?: object;
    readonly [section: string]: unknown;
  };
  readonly env?: Env;
  /** The program of the bots; {@link commandUnderTest} if absent. */
  readonly command?: OwnCommand;
  /** Requests that Discord may refuse, because the test is about that. */
  readonly mayRefuse?: (request: RequestRecord) => boolean;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** A test's actions and observations. */
export type Scene = ReturnType<typeof toScene>;

/** A command that has ended. */
export interface Ran extends Exit {
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** Runs a test in a simulation of its own, and then the checks of every test. */
export async function withSimulation(
  options: SceneOptions,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const stage = await openStage(options);
  try {
    await stage.play(() => play(toScene(stage.simulation, options.env)));
  } finally {
    await stage.simulation.close();
  }
  stage.judge();
}

/** Starts a simulation whose bots' log follows the error of a failed test. */
export async function openStage(options: SceneOptions) {
  const lines: string[] = [];
  const simulation = await startSimulation({
    command: options.command ?? commandUnderTest(),
    ...(options.simulator && { simulator: options.simulator }),
    config: (simulator) => configOf(simulator, options),
    env: { OPENAI_API_KEY: API_KEY, ...options.env },
    onLine: (line) => lines.push(line),
  });
  return {
    simulation,
    async play(act: () => Promise<void>): Promise<void> {
      try {
        await act();
      } catch (error) {
        const log = lines.slice(-25).join("\n");
        throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log}`, {
          cause: error,
        });
      }
    },
    /** The checks of every test, once the bots have ended. */
    judge(): void {
      const { simulator } = simulation;
      judgeRequests(simulator.requests.records(), options.mayRefuse);
      judgeLog(lines, [...secretsOf(simulator.world), API_KEY]);
    },
  };
}

/**
 * One person asks many questions in these tests, and each of them must be answered (X4) by a turn of
 * its own (S5).
 */
export const MANY_QUESTIONS = {
  messages: { queue: { mode: "followup", perUser: 10_000, perChannel: 10_000 } },
};

/** The config of a scene: the demo owner's config, with the test's own keys over it. */
export function configOf(
  simulator: Simulator,
  { discord, config }: Pick<SceneOptions, "discord" | "config">,
): object {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    channels: {
      discord: { guilds: { [krill.id]: {} }, dm: { allowFrom: ["ada"] }, ...discord?.(simulator) },
    },
    http: { port: 0 },
    ...config,
    // To choose a form is a write of its own, and tests of crashes count writes.
    tools: { prompt: "full", ...config?.tools },
    messages: { ...MANY_QUESTIONS.messages, ...config?.messages },
  };
}

/**
 * Reads rows of a bot's database. Tests look twenty times a second: an unchanged database is not read again.
 */
function rowReader(path: string) {
  let known: { readonly state: string; readonly rows: ReadonlyMap<string, Rows> } | undefined;

  const rowsOf = (database: DatabaseSync, sql: string): Rows =>
    database.prepare(sql).all().map((row) => ({ ...row }));

  function read(sql: string): Rows {
    const source = openReader(path);
    try {
      return rowsOf(source, sql);
    } finally {
      source.close();
    }
  }

  return (sql: string): Rows => {
    const state = fileState(path);
    const same = known && known.state === state ? known.rows : new Map<string, Rows>();
    const found = same.get(sql) ?? read(sql);
    known = state === undefined ? undefined : { state, rows: new Map([...same, [sql, found]]) };
    return found;
  };
}

/**
 * Size and time of the last change of a database and its log. `undefined` if one has just changed: a
 * second change within the clock's step would leave both the same.
 */
function fileState(path: string): string | undefined {
  const files = [path, `${path}-wal`].map((name) =>
    statSync(name, { bigint: true, throwIfNoEntry: false })
  );
  const newest = Math.max(...files.map((file) => Number(file?.mtimeMs ?? 0)));
  if (Date.now() - newest < CLOCK_STEP_MS) return undefined;
  return files.map((file) => `${file?.size} ${file?.mtimeNs}`).join(" ");
}

/**
 * Gives a test the actions and observations.
 *
 * @param here Name of the test's own channel: `general`, unless tests share a bot.
 */
export function toScene(simulation: Simulation, env: Env = {}, here = "general") {
  const { simulator, startBot } = simulation;
  const mention = `<@${simulator.application.userId}>`;
  const rows = rowReader(join(simulation.dataDir, DATABASE_NAME));

  /** Waits for a condition, as the simulator does; names it if it does not come true. */
  async function until<Value>(
    what: string,
    check: () => Value | false | undefined,
    ms = PATIENCE_MS,
  ): Promise<Value> {
    const waited = new AbortController();
    const timer = setTimeout(() => waited.abort(new Error(`Timed out waiting for ${what}`)), ms);
    try {
      return await simulator.until(() => check() || undefined, waited.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The same, by polling. */
  async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const startedAt = performance.now();
      if (await check()) return;
      const now = performance.now();
      if (now > deadline) throw new Error(`Timed out waiting for ${what}`);
      // A check that runs a command or copies the database leaves the processor to the bot.
      await sleep(Math.max(LOOK_EVERY_MS, Math.min(4 * (now - startedAt), LOOK_AT_LEAST_MS)));
    }
  }

  /** The bot's messages in a channel so far. */
  const written = (where: string, as?: string): readonly string[] =>
    simulator.posted(simulator.channel(where, as).id).map(({ content }) => content);

  /** The same, once there are that many. */
  const replies = (where: string, count: number, as?: string): Promise<readonly string[]> =>
    until(`${count} replies in ${where}`, () => {
      const texts = written(where, as);
      return texts.length >= count && texts;
    });

  /** Posts a message as a person: `say("grace", "general", "…")`. */
  const say = (as: string, where: string, text: string, replyTo?: string): Message =>
    simulator.say({ as, in: where, text, ...(replyTo !== undefined && { replyTo }) });

  /** Waits for a line of a bot's log. */
  async function line(bot: SimulatedProcess, pattern: RegExp): Promise<string> {
    return await until(`a line like ${pattern}`, () => bot.lines.find((one) => pattern.test(one)));
  }

  /** Asks a running bot over HTTP. */
  async function ask(bot: SimulatedProcess, path: string): Promise<Response> {
    const running = await line(bot, /"Barnacle is running"/);
    const { fields } = JSON.parse(running);
    const { httpKey } = JSON.parse(readFileSync(join(simulation.dataDir, "lock"), "utf8"));
    return await fetch(new URL(path, fields.health), {
      headers: { connection: "close", authorization: `Bearer ${httpKey}` },
    });
  }

  /** Runs a command of the program under test to its end, beside the simulation's bots. */
  const command = (args: readonly string[], more: Env = {}): Promise<Ran> =>
    runCommand(args, {
      PATH: process.env["PATH"],
      HOME: simulation.dataDir,
      ...runtimeEnv(),
      ...more,
    });

  /** Starts a bot, and waits until it is online at Discord. */
  async function start(own?: Env, args?: readonly string[]): Promise<SimulatedProcess> {
    const before = simulator.account().connections;
    const bot = startBot(own, args);
    const online = until("the bot to be online", () => {
      const isNew = simulator.account().connections > before;
      return isNew && simulator.connected() > 0 && "online";
    });
    const first = await Promise.race([online, bot.exited]);
    if (first === "online") return bot;
    online.catch(() => {}); // no one waits for it any more
    throw new Error(`The bot has ended: ${JSON.stringify(first)}`);
  }

  return {
    ...simulation,
    ...{ until, eventually, rows, line, ask, written, replies, say, command, start, here },
    /** Text that pings the bot. */
    mention,
    /**
     * Starts a bot, and waits until it has the tools of its MCP server, however slow the machine is: a
     * turn waits for them only a moment.
     */
    async startWithTools(): Promise<SimulatedProcess> {
      const bot = await start();
      say("grace", "help", `${mention} hello`);
      await line(bot, /"An MCP server has listed its tools"/);
      await replies("help", 1);
      return bot;
    },
    user(username: string): User {
      const user = [...simulator.world.users.values()].find((account) =>
        account.username === username
      );
      assert.ok(user, `No account is called ${username}`);
      return user;
    },
    async status(bot: SimulatedProcess): Promise<StatusReport> {
      return await (await ask(bot, "/status")).json();
    },
    /** Runs a command with the bots' config, data and environment: `cli("pairing", "list")`. */
    cli: (...args: readonly string[]): Promise<Ran> =>
      command([...args, "--config", simulation.configFile, "--data", simulation.dataDir], {
        DISCORD_API_URL: simulator.apiUrl,
        DISCORD_BOT_TOKEN: simulator.token,
        OPENAI_BASE_URL: simulation.model.baseUrl,
        OPENAI_API_KEY: API_KEY,
        OPENAI_MODEL: simulation.model.models[0],
        ...env,
      }),
    /** The final decision about a message: `"ignore: no-mention"`; of each account, if several. */
    async decided({ id }: Pick<Message, "id">): Promise<string> {
      const verdicts = () =>
        rows(
          `SELECT verdict, why FROM decision
            WHERE message_id = '${id}' AND verdict <> 'undecided' ORDER BY account_id`,
        ).map(({ verdict, why }) => `${verdict}: ${why}`);
      await eventually(`a verdict on ${id}`, () => Promise.resolve(verdicts().length > 0));
      return verdicts().join(", ");
    },
    /** Waits until the store has Discord's answer for one of the bot's own messages (T5). */
    recorded: ({ id }: Pick<Message, "id">): Promise<void> =>
      eventually(
        `${id} on record`,
        () => Promise.resolve(rows(`SELECT 1 FROM outbox WHERE message_id = '${id}'`).length > 0),
      ),
    /** Writes the config again, as the owner of a running bot does. */
    rewrite: (changed: Pick<SceneOptions, "discord" | "config">): void =>
      writeConfig(simulation, configOf(simulator, changed)),
  };
}

/** Runs a command of the program under test to its end. */
export async function runCommand(args: readonly string[], env: Env): Promise<Ran> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const child = startOwnProcess(commandUnderTest(), args, env, (text, stream) => {
    (stream === "stdout" ? stdout : stderr).push(text);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  try {
    return { ...await child.exited, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** The runtime's cache of compiled code; it is not part of an operator's environment. */
function runtimeEnv(): Env {
  const { DENO_DIR, HOME = "" } = process.env;
  return { DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno") };
}

/** Writes another config for the next start. */
export function writeConfig({ configFile }: Simulation, config: object): void {
  writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
}

/** Waits for a bot to end by itself. */
export async function ended(bot: SimulatedProcess): Promise<Exit> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("The bot does not end")), PATIENCE_MS);
  try {
    return await Promise.race([bot.exited, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function killBot(bot: SimulatedProcess): Promise<void> {
  bot.kill("SIGKILL");
  assert.deepEqual(await ended(bot), KILLED);
}

/** Stops a bot as a service manager does. */
export async function stopBot(bot: SimulatedProcess): Promise<void> {
  bot.kill("SIGTERM");
  assert.deepEqual(await ended(bot), STOPPED);
}

export const KILLED: Exit = { code: null, signal: "SIGKILL" };
export const STOPPED: Exit = { code: 0, signal: null };
