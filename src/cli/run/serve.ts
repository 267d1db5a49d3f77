/**
 * The life of a running bot: its socket, its signals, its service manager, and its end.
 *
 * @module
 */

import { createHash, randomUUID } from "node:crypto";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bot, type BotEnd, type BotOptions, type Setup, startBot } from "../../bot.ts";
import { startKeepAlive, visitByFetch } from "../../bot/health/keep_alive.ts";
import { startWatchdog, statusLine, type Watchdog } from "../../bot/health/watchdog.ts";
import type { Loaded, LoadedConfig } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { describeLastRun } from "../../flows/preflight/last_run.ts";
import { readBootId } from "../../host/process/boot.ts";
import { STOP_EXTRA_MS } from "../../host/process/end_process.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { useNormalJit } from "../../host/process/jit_policy.ts";
import { forgetManager, type Notify, watchdogMsOf } from "../../host/process/sd_notify.ts";
import { watchPath } from "../../host/files/watch_path.ts";
import { isAlive } from "../../http/checks.ts";
import type { Log } from "../../lib/log.ts";
import { schedule } from "../../lib/schedule.ts";
import type { FoundSetup } from "./setup.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Hangups } from "./hangup.ts";
import { createReload } from "./reload.ts";
import { InstanceTakenError } from "../shared/sole_instance.ts";
import { toStartError } from "../shared/start_error.ts";

export interface ServeOptions extends BotOptions {
  readonly loaded: LoadedConfig;
  readonly hangups: Hangups;
  /** Of the config file, when it was read. */
  readonly fileState: string;
  /** Finds, reads and checks the config again. */
  readonly readAgain: () => Promise<Loaded>;
  /** Finds what the accounts of a config need, and makes sure that they are ours alone. */
  readonly prepare: (loaded: LoadedConfig) => Promise<FoundSetup>;
  /** The bot goes by it now, and is connected by it once that resolves. */
  readonly applied: (setup: Setup, connected: Promise<void>) => void;
  /** Tells whoever asks on this machine where the bot listens. */
  readonly setHttp: (address: string) => void;
  /** Tells the service manager. */
  readonly notify: Notify;
}

/** Milliseconds in which connecting to Discord has the processor, before the HTTP server is loaded. */
const HTTP_DELAY_MS = 100;

/** Milliseconds after which a start is over, and what runs often is compiled. */
const START_MS = 1_000;

/** Starts the bot and its HTTP server, and waits for its end or for a signal. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const { logging, store } = options;
  const log = logging.forPart("main");
  const signal = signalled(); // from now on, for a start can take a while
  let bot: Bot | undefined;
  const runId = randomUUID();
  let ending = "fault";
  let server: HttpServer | undefined;
  await sayHowTheLastRunEnded(runId, options, log).catch((error: unknown) => {
    log.error("Cannot store that this run began", { error }); // a full disk; the bot has more to say of it
  });
  let watch: ReturnType<typeof watchOver> | undefined;
  const cancel = schedule(useNormalJit, START_MS);
  try {
    bot = await startBot(options);
    server = await listen(bot, options);
    const address = `${hostOf(server.addresses[0] ?? "127.0.0.1")}:${server.port}`;
    options.setHttp(address);
    watch = watchOver(bot, options, log);
    log.info("Barnacle is running", { pid: process.pid, health: `http://${address}/healthz` });
    const end = await Promise.race([bot.ended, signal]);
    watch.leave();
    const code = endingOf(end, log);
    ending = code === EXIT.done ? "stopped" : end.kind;
    await bot.stop();
    log.info("Barnacle has stopped", { code });
    return code;
  } catch (error) {
    await bot?.stop();
    throw error;
  } finally {
    cancel();
    watch?.stop();
    await server?.close();
    await store.gateway.endRun(runId, ending, Date.now()).catch((error: unknown) => {
      log.error("Cannot store how this run ended; the next one will say that it was killed", {
        error,
      });
    });
  }
}

/** Opens the HTTP server once connecting to Discord is under way. */
async function listen(
  bot: Bot,
  { setup: { config: { http } } }: ServeOptions,
): Promise<HttpServer> {
  await sleep(HTTP_DELAY_MS);
  const { startHttpServer } = await import("../../host/http_server.ts");
  return await startHttpServer({
    bind: http.bind,
    port: http.port,
    ...(http.token && { token: http.token.reveal() }),
  }, bot.http);
}

async function sayHowTheLastRunEnded(
  runId: string,
  { store }: ServeOptions,
  log: Log,
): Promise<void> {
  const bootId = readBootId();
  const startedAt = Date.now();
  const last = await store.gateway.startRun({
    runId,
    startedAt,
    ...(bootId !== undefined && { bootId }),
  });
  const remark = describeLastRun(last, startedAt, bootId);
  if (remark) log.warn(remark.event, remark.fields);
}

/** Everything that looks after a bot which serves: the service manager, visits, its config. */
function watchOver(bot: Bot, options: ServeOptions, log: Log): {
  /** The end begins. */
  leave(): void;
  stop(): void;
} {
  const { notify } = options;
  let { config } = options.setup;
  const watchdogMs = watchdogMsOf(options.env, process.pid);
  const isListening = Boolean(options.env["NOTIFY_SOCKET"]);
  forgetManager(process.env);
  const watchdog: Watchdog = startWatchdog({
    notify,
    isListening,
    ...(watchdogMs !== undefined && { watchdogMs }),
    facts: bot.snapshot,
    refresh: bot.refresh,
    status: () => statusLine(bot.snapshot(), Date.now()),
    steadyNow: () => performance.now(),
    schedule,
    onPing: bot.onPing,
    log,
  });
  const reload = reloadOf(bot, {
    ...options,
    applied(setup, connected) {
      ({ config } = setup);
      options.applied(setup, connected);
    },
  }, watchdog);
  const stopReloads = [
    options.hangups.tell(() => void reload()),
    ...(config.file === undefined
      ? []
      : [watchPath(config.file, () => void reload(), { schedule, since: options.fileState })]),
  ];
  watchdog.ready(); // from now on a SIGHUP may come
  const { keepAliveUrl } = config.http;
  const keepAlive = keepAliveUrl === undefined ? undefined : startKeepAlive({
    url: keepAliveUrl,
    visit: visitByFetch,
    isAlive: () => isAlive(bot.snapshot(), Date.now()),
    schedule,
    log,
  });
  return {
    leave() {
      watchdog.stopping(config.shutdownGraceSec * 1_000 + STOP_EXTRA_MS);
      for (const stopReload of stopReloads) stopReload();
      keepAlive?.stop();
    },
    stop() {
      watchdog.stop();
      keepAlive?.stop();
    },
  };
}

/** Has the bot go by the config as it is read again (C9). */
function reloadOf(
  bot: Bot,
  { loaded, logging, readAgain, prepare, applied }: ServeOptions,
  watchdog: Watchdog,
): () => Promise<void> {
  let revision = revisionOf(loaded);
  let loadedAt = Date.now();
  let since: number | undefined;
  const setConfig = (problem?: string): void => {
    since = problem === undefined ? undefined : since ?? Date.now();
    bot.setConfig({
      revision,
      loadedAt,
      ...(problem !== undefined && { problem }),
      ...(since !== undefined && { since }),
    });
  };
  setConfig();
  return createReload({
    read: readAgain,
    running: loaded,
    async apply(next, { accounts }) {
      const found = await prepare(next).catch((error: unknown): FoundSetup => {
        if (!(error instanceof InstanceTakenError)) throw error;
        const problem: Problem = { severity: "error", path: "", message: error.message };
        return { kind: "problems", problems: [problem] };
      });
      if (found.kind === "problems") return found.problems;
      revision = revisionOf(next);
      loadedAt = Date.now();
      const { connected } = await bot.apply(found.setup, accounts);
      applied(found.setup, connected);
      return [];
    },
    onState: setConfig,
    onBegin: watchdog.reloading,
    onEnd: watchdog.reloaded,
    log: logging.forPart("config"),
  });
}

/** Names a config by what its file says, its secrets left out. */
function revisionOf({ text = "" }: LoadedConfig): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

type Ending = BotEnd | { readonly kind: "signal"; readonly signal: string };

/** The first signal asks to stop; the second one ends the process at once, and loses nothing. */
function signalled(): Promise<Ending> {
  return new Promise((resolve) => {
    let isSecond = false;
    for (const [signal, code] of [["SIGTERM", 143], ["SIGINT", 130]] as const) {
      process.on(signal, () => {
        if (isSecond) process.exit(code);
        isSecond = true;
        resolve({ kind: "signal", signal });
      });
    }
  });
}

/** What the log says of an end, and the code that it ends with. */
export function endingOf(end: Ending, log: Log): ExitCode {
  switch (end.kind) {
    case "signal":
      log.info("Stopping", { signal: end.signal });
      return EXIT.done;
    case "refused":
      log.error("Discord refused the bot", { hint: end.hint });
      return EXIT.refused;
    case "stop":
      log.error("Discord refused the bot", { closeCode: end.code, hint: end.hint });
      return EXIT.refused;
    case "give_up":
      log.error(
        "Gave up connecting to Discord, as channels.discord.gateway.reconnect.exitOnGiveUp says; " +
          "see by `barnacle doctor` what is in the way, then start Barnacle again",
      );
      return EXIT.tryAgain;
    case "fault": {
      const { message, code } = toStartError(end.error);
      log.error(message);
      return code;
    }
    case "worker_died":
      log.error(
        "The gateway's thread died too often; start Barnacle again, and if it comes back, " +
          "report it with the lines above",
        { deaths: end.deaths },
      );
      return EXIT.tryAgain;
  }
}

function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
