/**
 * Runs a measured bot: Discord and model in this process, so that all times share one clock, and
 * the bot in a process of its own.
 *
 * All bots get the cheapest conditions: no rate limits, no compression, and a model that answers at
 * once.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SPACING_MS } from "../src/core/discord/gateway.ts";
import { type OwnCommand, startOwnProcess } from "../src/host/process/own_process.ts";
import { type CoreCount, onCores } from "./cores.ts";
import { type Discord, startDiscord } from "./discord.ts";
import { MODEL_NAME, startInstantModel } from "./model.ts";
import { youngCpuMsOf } from "./proc.ts";

/** One of the compared bots. */
export interface Contender {
  readonly name: string;
  readonly command: OwnCommand;
  /** Whether it takes Barnacle's arguments and config. */
  readonly isBarnacle: boolean;
}

/** Milliseconds for which `burn` keeps the bot's main thread busy. */
export const BURN_MS = 3_000;

/** Milliseconds after an IDENTIFY in which Discord takes no other, and Barnacle sends none. */
export const IDENTIFY_SPACING_MS = SPACING_MS + 100;

/** Milliseconds after which a wait fails. */
const PATIENCE_MS = 120_000;
/** Precision of a wait that is no figure, in milliseconds. */
const LOOK_EVERY_MS = 1;

export type Stand = ReturnType<typeof openStand>;

export function openStand({ name, command, isBarnacle }: Contender) {
  const discord = startDiscord();
  mkdirSync("dist", { recursive: true });
  const dataDir = mkdtempSync(join("dist", "bench-")); // not in /tmp, which may be no disk
  const model = startInstantModel();
  const postedAt: number[] = [];
  let posted: { readonly count: number; readonly resolve: () => void } | undefined;
  discord.onPost(() => {
    postedAt.push(performance.now());
    if (posted !== undefined && postedAt.length >= posted.count) posted.resolve();
  });
  const configFile = join(dataDir, "config.jsonc");
  writeFileSync(configFile, JSON.stringify(configOf(discord.guildId)), { mode: 0o600 });
  const running = new Set<{ readonly stop: () => Promise<void> }>();

  /** Starts the bot, on one core by default, and waits until it is online at Discord. */
  async function start(cores: CoreCount = "one") {
    const known = discord.openings();
    const startedAt = performance.now();
    const lines: string[] = [];
    const child = startOwnProcess(
      onCores(command, cores),
      isBarnacle ? ["run", "--config", configFile, "--data", dataDir] : [],
      environmentOf(discord, model.baseUrl),
      (line) => {
        lines.push(line);
        if (lines.length > 20) lines.shift();
      },
    );
    let hasEnded = false;
    void child.exited.then(() => hasEnded = true);
    const bot = {
      async stop() {
        running.delete(bot);
        child.kill("SIGTERM");
        await child.exited;
      },
    };
    running.add(bot);
    const pid = child.pid ?? 0;
    while (discord.openings() === known) {
      if (hasEnded) throw new Error(`${name} ended:\n${lines.join("\n")}`);
      if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`${name}: no IDENTIFY`);
      await sleep(LOOK_EVERY_MS);
    }
    return {
      pid,
      /** By `performance.now()`, before the process was made. */
      startedAt,
      identifiedAt: performance.now(),
      /** CPU time of the process until then, in milliseconds. */
      identifyCpuMs: youngCpuMsOf(pid),
      burn: () => child.kill("SIGUSR2"),
      stop: bot.stop,
    };
  }

  return {
    isBarnacle,
    discord,
    model,
    /** Directory of Barnacle's store. */
    dataDir,
    channels: discord.channels,
    /** Arrival times of the bot's messages at Discord, by `performance.now()`. */
    postedAt,
    start,
    /** Posts a message that the bot should answer. */
    ask: (channel: string) => discord.ask(channel, "what do krill eat?"),
    /** Waits until the bot has posted so many messages since the last `forget`. */
    async posts(count: number): Promise<void> {
      if (postedAt.length >= count) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const error = new Error(`${name}: waited in vain for ${count} posts`);
      const timer = setTimeout(() => reject(error), PATIENCE_MS);
      posted = { count, resolve };
      await promise.finally(() => clearTimeout(timer));
    },
    forget() {
      postedAt.length = 0;
      model.forget();
    },
    async close() {
      for (const bot of running) await bot.stop();
      await Promise.all([discord.close(), model.close()]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A usual config, without the keys that would cap the figures. */
function configOf(guildId: string): object {
  return {
    channels: {
      discord: {
        guilds: { [guildId]: {} },
        gateway: { compress: false, reconnect: { resumeSession: false } },
        rest: { globalPerSec: 10_000 },
        rateLimit: { enabled: false },
      },
    },
    agents: { maxConcurrentTurns: 64 },
    http: { port: 0 },
    messages: { queue: { mode: "followup", perUser: 10_000, perChannel: 10_000 } },
  };
}

function environmentOf({ apiUrl, token }: Discord, modelUrl: string) {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    DISCORD_API_URL: apiUrl,
    DISCORD_BOT_TOKEN: token,
    OPENAI_BASE_URL: modelUrl,
    OPENAI_API_KEY: "no-key",
    OPENAI_MODEL: MODEL_NAME,
    BARNACLE_FAULT: `block_main:${BURN_MS}`,
    BENCH_BURN_MS: String(BURN_MS),
  };
}
