/** The composition root: this module and `bot/` alone create and connect the bot's parts. */

import { statfsSync } from "node:fs";
import type { Bot } from "./account/account.ts";
import { changedInAll } from "./account/per_account.ts";
import type { Env } from "./lib/env.ts";
import type { AccountEnd } from "./bot/account_end.ts";
import { type Applied, createAccounts } from "./bot/account/accounts.ts";
import {
  type Build,
  createMeter,
  createMetrics,
  type HealthMonitor,
  type ProcessUsage,
  startHealthMonitor,
} from "./http/monitor/health_monitor.ts";
import { startProcessMedia } from "./bot/process_media.ts";
import { createLoader } from "./lib/cache.ts";
import { readAllBudgets } from "./bot/process/slow_checks.ts";
import type { AccountId, UserId } from "./core/discord/ids.ts";
import type { ConfigFile } from "./core/config_file.ts";
import type { ModelChoices } from "./core/model.ts";
import type { AccountSetup, AnsweringModels, Setup, Speech } from "./bot/rules/setup.ts";
import type { AccountChange } from "./config/changes.ts";
import {
  createEarlyThread,
  type EarlyThread,
  startThread,
} from "./discord/gateway/main/early_thread.ts";
import type { AnswerHooks } from "./discord/rest/exchange/exchange.ts";
import { createProcessMemory, type ProcessMemory } from "./flows/process_memory.ts";
import { startUpkeep } from "./flows/upkeep.ts";
import { createTurnLimit } from "./flows/limits.ts";
import { collectGarbage, createReleasePages } from "./host/process/release_pages.ts";
import { cpuSec, residentBytes } from "./host/process/boot.ts";
import { schedule } from "./lib/clock.ts";
import type { Logging } from "./log.ts";
import type { Store } from "./store/store.ts";
import type { BotFeature } from "./account/features.ts";

/** A link that logs an owner in to the dashboard once (O6). */
export type DashboardLink =
  | {
    readonly kind: "link";
    /** With the token behind its `#`, which no browser sends anywhere. */
    readonly url: string;
    readonly validSec: number;
  }
  /** `http.dashboard` is off. */
  | { readonly kind: "off" };

/** An account that is online for the first time in this process. */
export interface Online {
  readonly accountId: AccountId;
  readonly bot: { readonly userId: UserId; readonly username: string };
  readonly guilds: readonly string[];
  /** Ids of its agents' models, each once. */
  readonly models: readonly string[];
}

export interface BotOptions {
  readonly setup: Setup;
  /** An open store that this process alone uses; the caller closes it. */
  readonly store: Store;
  readonly dataDir: string;
  readonly mediaFolder: string;
  readonly logging: Logging;
  readonly build: Build;
  /** Whether to log every gateway event, whatever the config says. */
  readonly isConnectionDebug: boolean;
  /** The process environment, for proxies and the host's name. */
  readonly env: Env;
  /** The secret by which commands on this machine see the details of the HTTP server. */
  readonly commandKey: string;
  /** The result of {@link loadGatewayThread}; the caller closes it. */
  readonly thread?: EarlyThread;
  /** An account is online; called once for each start of an account. */
  readonly onOnline?: (online: Online) => void;
  /** Makes a login link of the dashboard; absent: there is none. */
  readonly dashboardLink?: () => Promise<DashboardLink>;
  /** A test uses it to end the process at a chosen point. */
  readonly crashHooks?: AnswerHooks;
  /** Parts of accounts and of the process that the bot does not know by name. */
  readonly features: readonly BotFeature[];
}

export type { AccountEnd, AccountSetup, AnsweringModels, ConfigFile, ModelChoices, Setup, Speech };

const EXTRACT_WORKER_URL = new URL("./extract_worker.ts", import.meta.url);
/** Resolved here, at the top of `src/`: a compiled binary finds no worker in a deeper path. */
const WORKER_URL = new URL("./worker.ts", import.meta.url);

/** Loads a gateway thread ahead of the bot: on a second core this adds nothing to the start. */
export function loadGatewayThread(): EarlyThread {
  return createEarlyThread(startThread(WORKER_URL));
}

const now = (): number => Date.now();

/** Creates and starts the bot. A fault that passes by itself does not fail the start. */
export async function startBot(options: BotOptions) {
  const {
    store,
    logging,
    build,
    dataDir,
    setup: { config: { http: configured, accounts } },
  } = options;
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<AccountEnd>();
  const metrics = createMetrics(build);
  let isStopping = false;

  const slow = createLoader(async () => {
    const { createSlowChecks } = await import("./bot/process/slow_checks.ts");
    return createSlowChecks(bot);
  });
  const health: HealthMonitor = startHealthMonitor({
    store,
    metrics,
    timers: { now, schedule },
    log: logging.forPart("health"),
    read: async () => ({ budgets: await readAllBudgets(bot), slow: await (await slow.get())() }),
    current: () => ({
      mcpServers: bot.toolServices?.servers() ?? [],
      alerts: watches.flatMap((watch) => watch.open()),
      rssBytes: residentBytes(),
    }),
  });
  health.setAccounts(accounts);
  /** An IDENTIFY needs none of their code, so the first account that runs loads them. */
  const tools = createLoader(async () => {
    const { createToolServices } = await import("./bot/process/tool_services.ts");
    return bot.toolServices = await createToolServices(bot);
  });
  const made = { ...options, now }; // a reload replaces its setup
  const complete: Omit<Bot, "toolServices"> = Object.assign(made, {
    health,
    meter: createMeter(metrics),
    turnLimit: createTurnLimit(() => made.setup.config.agents.maxConcurrentTurns),
    memory: createMemory(logging),
    media: startProcessMedia(made, EXTRACT_WORKER_URL),
    loadTools: tools.get,
    workerUrl: WORKER_URL,
    accounts: new Map(),
    views: new Map(),
  });
  const bot = complete as Bot; // an account runs once `loadTools` has set the rest
  const watches = options.features.flatMap(({ watch }) => watch?.(bot) ?? []);
  const running = createAccounts(
    bot,
    // Nothing will tell the owners later.
    (end) => void Promise.all(watches.map((watch) => watch.lastLook())).then(() => onEnd(end)),
  );
  /** Loaded with its first request: an unmonitored bot runs without it. */
  const http = createLoader(async () => {
    const { createApp } = await import("./http/app.ts");
    return createApp(bot, configured, metrics, () => processUsage(dataDir));
  });
  const upkeep = startUpkeep({ store, schedule, now, log: logging.forPart("store") });
  await running.start();
  health.setPhase("running");

  return {
    /** Answers health, metrics and status requests; it needs a socket from `host/`. */
    http: async (request: Request): Promise<Response> => await (await http.get())(request),
    snapshot: health.snapshot,
    /** Reads the store's figures for the next snapshot; never rejects. */
    refresh: health.refresh,
    /** Resolves if the bot ends by itself; never after {@link RunningBot.stop}. */
    ended,
    /** Applies another setup (C9). */
    async apply(next: Setup, changes: readonly AccountChange[]): Promise<Applied> {
      await (await tools.loading())?.apply(next.config);
      health.setAccounts(next.config.accounts);
      return await running.apply(next, changes);
    },
    wake: (accountId: AccountId, namespace: keyof Store): void =>
      bot.accounts.get(accountId)?.changedByCommand(namespace),
    /** Counts a request to a hook; `hook` is absent if there is none with its name. */
    hookRequested: (result: string, hook: string = "unknown"): void =>
      metrics.hookRequests.inc({ hook, result }),
    /** Sets whether the config file is the running config; health shows it. */
    setConfig: health.setConfig,
    /** Sets why the bot cannot listen at the addresses of a section, if it cannot; health shows it. */
    setListening: health.setListening,
    /** Tells that a person has opened a page of the dashboard: its memory is returned soon. */
    pageMade: bot.memory.worked,
    /** A command has changed rows of a namespace of the store through this process. */
    changedByCommand(namespace: keyof Store, forgotten?: UserId): void {
      if (!isStopping) changedInAll(bot, namespace, forgotten);
    },
    /** Takes no new turn, lets running ones end, sends finished replies, and closes resumable (G12). */
    async stop(): Promise<void> {
      health.setPhase("draining");
      isStopping = true;
      bot.memory.stop();
      await Promise.all(watches.map((watch) => watch.stop()));
      upkeep.stop();
      await running.stop();
      bot.media.stop();
      await (await tools.loading())?.stop();
      await health.stop();
    },
  };
}

export type RunningBot = Awaited<ReturnType<typeof startBot>>;

function processUsage(dataDir: string): ProcessUsage {
  try {
    const { bavail, bsize } = statfsSync(dataDir);
    return { cpuSec: cpuSec(), diskFreeBytes: bavail * bsize };
  } catch {
    return { cpuSec: cpuSec() }; // a disk that does not tell
  }
}

function createMemory(logging: Logging): ProcessMemory {
  return createProcessMemory({
    schedule,
    now,
    rss: () => residentBytes() ?? 0,
    collect: collectGarbage,
    release: createReleasePages((error) =>
      logging.forPart("main").warn("Cannot return memory to the system", { error })
    ),
  });
}
