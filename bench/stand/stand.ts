/**
 * Runs a measured bot: Discord and model in this process, so that all times share one clock, and
 * the bot in a process of its own.
 *
 * All bots get the cheapest conditions: no rate limits, unless a bench is about them, no
 * compression, and a model that answers at once.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { SPACING_MS } from "../../src/core/discord/identify_budget.ts";
import { type OwnCommand, startOwnProcess } from "../../src/host/process/own_process.ts";
import { type CoreCount, onCores } from "./cores.ts";
import { CHANNELS, type Discord, type SimulatedDiscord, startSimulatedDiscord } from "./discord.ts";
import { type LeanDiscord, startLeanDiscord } from "./lean_discord.ts";
import type { WorldSize } from "./lean_world.ts";
import { youngCpuMsOf } from "./proc.ts";
import { type InstantModel, MODEL_NAME, startInstantModel } from "./model.ts";

/** One of the compared bots. */
export interface Contender {
  readonly name: string;
  readonly command: OwnCommand;
  /** Whether it takes Barnacle's arguments and config. */
  readonly isBarnacle: boolean;
  /** An existing data directory; a new one for each stand, if absent. */
  readonly dataDir?: string;
  /** Keys of Barnacle's config, beside those of the stand. */
  readonly config?: object;
}

export interface StandOptions {
  /** Guilds besides the one in which the bot may answer. */
  readonly size?: WorldSize;
  /** Channels of a guild in which the bot may answer; by default as many as in other benches. */
  readonly rooms?: number;
  /** Guilds in which the bot may answer; one by default. */
  readonly homes?: number;
  /** Whether a start may resume the session before; by default each is a new one. */
  readonly isResumable?: boolean;
}

export interface SimulatedStandOptions extends Omit<StandOptions, "size" | "rooms" | "homes"> {
  /** Milliseconds between two heartbeats; Discord's own by default. */
  readonly heartbeatIntervalMs?: number;
  /** Milliseconds for which {@link Started.burn} keeps the bot's main thread busy. */
  readonly burnMs?: number;
  /** Whether Discord's limits apply, and each bot keeps them by its own rules. */
  readonly isLimited?: boolean;
  /** Keys of Barnacle's config, beside those of the stand. */
  readonly config?: object;
}

export interface Stand<Kind extends Discord = LeanDiscord> {
  readonly isBarnacle: boolean;
  readonly discord: Kind;
  readonly model: InstantModel;
  /** Directory of Barnacle's store. */
  readonly dataDir: string;
  /** Names of the channels in which the bot may answer. */
  readonly channels: readonly string[];
  /** Arrival times of the bot's messages at Discord, by `performance.now()`. */
  readonly postedAt: readonly number[];
  /** Starts the bot, on one core by default, and waits until it is online at Discord. */
  start(cores?: CoreCount): Promise<Started>;
  /**
   * Starts one more process of the bot on the bot's core, with data of its own, and waits for nothing.
   *
   * @param name Names its data directory.
   */
  beside(name: string): Beside;
  /** Posts a message that the bot should answer. */
  ask(channel: string): void;
  /** Posts a message that the bot should ignore. */
  chat(channel: string, number: number): void;
  /** Waits until the bot has posted so many messages since the last {@link Stand.forget}. */
  posts(count: number): Promise<void>;
  until(what: string, check: () => boolean): Promise<void>;
  forget(): void;
  close(): Promise<void>;
}

export interface Started {
  readonly pid: number;
  /**
   * By `performance.now()`: before the process was made, and at the arrival of its IDENTIFY or
   * RESUME.
   */
  readonly startedAt: number;
  readonly identifiedAt: number;
  /** CPU time of the process until then, in milliseconds. */
  readonly identifyCpuMs: number;
  burn(): void;
  stop(): Promise<void>;
}

/** A process that shares the bot with others. */
export interface Beside {
  readonly pid: number;
  kill(): void;
  /** Throws if it has ended, with its last lines. */
  assertRuns(): void;
  stop(): Promise<void>;
}

/** Milliseconds for which {@link Started.burn} keeps the bot's main thread busy by default. */
export const BURN_MS = 3_000;

/** Milliseconds after an IDENTIFY in which Discord takes no other, and Barnacle sends none. */
export const IDENTIFY_SPACING_MS = SPACING_MS + 100;

/** Milliseconds after which a wait fails. */
const PATIENCE_MS = 120_000;
/** No limits of Discord. */
const UNLIMITED = { rest: { globalPerSec: 10_000 }, rateLimit: { enabled: false } };

/** With a Discord that costs less than the bots. */
export function openStand(
  contender: Contender,
  { size, rooms = CHANNELS, homes = 1, ...options }: StandOptions = {},
): Stand {
  return standBefore(startLeanDiscord(size, { guilds: homes, rooms }), contender, options);
}

/** With a Discord that has rules and faults. */
export async function openSimulatedStand(
  contender: Contender,
  options: SimulatedStandOptions = {},
): Promise<Stand<SimulatedDiscord>> {
  const { isLimited = false, heartbeatIntervalMs } = options;
  const discord = await startSimulatedDiscord({
    rateLimits: isLimited && {},
    ...(heartbeatIntervalMs !== undefined && { heartbeatIntervalMs }),
  });
  return standBefore(discord, contender, options);
}

function standBefore<Kind extends Discord>(
  discord: Kind,
  { name, command, isBarnacle, dataDir, config: ownConfig }: Contender,
  options: SimulatedStandOptions,
): Stand<Kind> {
  const { isResumable = false, burnMs = BURN_MS, isLimited = false, config } = options;
  mkdirSync("dist", { recursive: true });
  const dir = mkdtempSync(join("dist", "bench-")); // not in /tmp, which may be no disk
  const data = dataDir ?? dir;
  const model = startInstantModel();
  const postedAt: number[] = [];
  discord.onPost(() => postedAt.push(performance.now()));
  const configFile = join(dir, "config.jsonc");
  writeFileSync(
    configFile,
    JSON.stringify(
      configOf(discord.guildIds, isResumable, isLimited, { ...ownConfig, ...config }),
    ),
    {
      mode: 0o600,
    },
  );
  const argsOf = (data: string) =>
    isBarnacle ? ["run", "--config", configFile, "--data", data] : [];
  const running = new Set<Pick<Started, "stop">>();

  async function until(what: string, check: () => boolean): Promise<void> {
    const waited = new AbortController();
    const timer = setTimeout(
      () => waited.abort(new Error(`${name}: waited in vain for ${what}`)),
      PATIENCE_MS,
    );
    try {
      await discord.until(check, waited.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  function launch(cores: CoreCount, data: string) {
    const lines: string[] = [];
    const child = startOwnProcess(
      onCores(command, cores),
      argsOf(data),
      { ...environmentOf(discord, model, burnMs, isLimited), BENCH_DATA_DIR: dir },
      (line) => {
        lines.push(line);
        if (lines.length > 20) lines.shift();
      },
    );
    let hasEnded = false;
    void child.exited.then(() => hasEnded = true);
    const launched = {
      pid: child.pid ?? 0,
      burn: () => child.kill("SIGUSR2"),
      kill: () => child.kill("SIGKILL"),
      assertRuns() {
        if (hasEnded) throw new Error(`${name} ended:\n${lines.join("\n")}`);
      },
      async stop() {
        running.delete(launched);
        child.kill("SIGTERM");
        await child.exited;
      },
    };
    running.add(launched);
    return launched;
  }

  async function start(cores: CoreCount = "one"): Promise<Started> {
    const known = discord.openings();
    const startedAt = performance.now();
    const launched = launch(cores, data);
    const { pid } = launched;
    let identifiedAt = 0;
    let identifyCpuMs = NaN;
    await until("its IDENTIFY or RESUME", () => {
      launched.assertRuns();
      if (discord.openings() > known && identifiedAt === 0) {
        identifiedAt = performance.now();
        identifyCpuMs = youngCpuMsOf(pid);
      }
      return identifiedAt > 0 && discord.isOnline();
    });
    const { burn, stop } = launched;
    return { pid, startedAt, identifiedAt, identifyCpuMs, burn, stop };
  }

  return {
    isBarnacle,
    discord,
    model,
    dataDir: data,
    channels: discord.channels,
    postedAt,
    start,
    beside: (name) => launch("one", join(dir, name)),
    ask: (channel) => discord.say(channel, "what do krill eat?", true),
    chat: (channel, number) => discord.say(channel, `Krill number ${number} swam by.`, false),
    posts: (count) => until(`${count} posts`, () => postedAt.length >= count),
    until,
    forget() {
      postedAt.length = 0;
      model.forget();
    },
    async close() {
      for (const bot of running) await bot.stop();
      await Promise.all([discord.close(), model.close()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Keys of Barnacle's config. */
interface OwnConfig {
  readonly messages?: object;
}

/** A usual config, without the keys that would cap the figures. */
function configOf(
  guildIds: readonly string[],
  isResumable: boolean,
  isLimited: boolean,
  { messages, ...config }: OwnConfig = {},
): object {
  return {
    channels: {
      discord: {
        guilds: Object.fromEntries(guildIds.map((id) => [id, {}])),
        gateway: { compress: false, reconnect: { resumeSession: isResumable } },
        ...(isLimited ? {} : UNLIMITED),
      },
    },
    agents: { maxConcurrentTurns: 64 },
    http: { port: 0 },
    messages: { queue: { mode: "followup", perUser: 10_000, perChannel: 10_000 }, ...messages },
    ...config,
  };
}

function environmentOf(
  discord: Discord,
  model: InstantModel,
  burnMs: number,
  isLimited: boolean,
) {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    DISCORD_API_URL: discord.apiUrl,
    DISCORD_BOT_TOKEN: discord.token,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: "no-key",
    OPENAI_MODEL: MODEL_NAME,
    BARNACLE_FAULT: `block_main:${burnMs}`,
    BENCH_BURN_MS: String(burnMs),
    ...(isLimited && { BENCH_LIMITED: "1" }),
  };
}
