/**
 * Runs the bot with its HTTP server, signals, service manager and config reloads, until its end.
 */

import process from "node:process";
import { randomUUID } from "node:crypto";
import {
  type AccountEnd,
  type BotOptions,
  type Online,
  type RunningBot,
  startBot,
} from "../../bot.ts";
import { valueAt } from "../../config/text/edit.ts";
import { describeLastRun } from "../../flows/preflight/host.ts";
import type { SocketHandler } from "../../host/bot_socket.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import { watchPath } from "../../host/files/watch_path.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { listenForHealth } from "../../host/listen.ts";
import { readBootId, STOP_EXTRA_MS, untilIdle } from "../../host/process/boot.ts";
import type { CrashMoment } from "../../host/process/crash_points.ts";
import { endStart } from "../../host/process/engine_options.ts";
import { forgetManager, type Notify, watchdogMsOf } from "../../host/process/sd_notify.ts";
import { isAlive } from "../../http/checks.ts";
import {
  startKeepAlive,
  startWatchdog,
  statusLine,
  visitByFetch,
  type Watchdog,
} from "../../http/monitor/watchdog.ts";
import { schedule } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import { StoreError } from "../../store/database/database_files.ts";
import type { Feature } from "../../features/feature.ts";
import { createServedParts } from "./served_parts.ts";
import { EXIT, type ExitCode, meaningOf } from "../shared/exit_code.ts";
import { configPlaces } from "../shared/read_config.ts";
import { toStartError } from "../shared/start_error.ts";
import type { OwnMethods } from "../shared/store_methods.ts";
import type { Hangups } from "./hangup.ts";
import { type ConfigReloadOptions, createConfigReload } from "./reload.ts";

/** How the bot ended, or the signal that stops it. */
export type Ending =
  | AccountEnd
  | { readonly kind: "signal"; readonly signal: string };

/**
 * Milliseconds within which signals count as one. `timeout` and some shells signal a process and
 * then its group.
 */
const SAME_SIGNAL_MS = 100;

/** Signals that stop a bot, with the exit code of a second one. */
export type StopSignal = readonly [
  signal: "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGBREAK",
  code: number,
];

/**
 * The signals of a platform. Windows has only events of the console: Ctrl-C, Ctrl-Break, and its closing,
 * which the runtime calls SIGHUP. After a closing, the system gives a process five seconds.
 */
function stopSignals(platform: string = process.platform): readonly StopSignal[] {
  return platform === "win32"
    ? [["SIGINT", 130], ["SIGBREAK", 149], ["SIGHUP", 129]]
    : [["SIGTERM", 143], ["SIGINT", 130]];
}

/** The first signal stops the bot; the second one ends the process at once, without data loss. */
function firstSignal(): Promise<Ending> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const [signal, code] of stopSignals()) {
      process.on(signal, () => {
        const at = performance.now();
        if (firstAt !== undefined && at - firstAt >= SAME_SIGNAL_MS) process.exit(code);
        firstAt ??= at;
        resolve({ kind: "signal", signal });
      });
    }
  });
}

/** Logs the work that a stop waits for, if there is any, and how to leave at once. */
export function logWait(
  { turns, unsent }: {
    /** Running turns. */
    readonly turns: number;
    /** Answers that Discord does not have yet. */
    readonly unsent: number;
  },
  graceSec: number,
  log: Log,
): void {
  if (turns + unsent === 0) return;
  log.info(
    "Waiting for running turns and their answers. A second signal, such as Ctrl+C, ends the " +
      "process at once; the next start continues them",
    { turns, unsent, atMostSec: graceSec },
  );
}

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
        "Gave up connecting to Discord (channels.discord.gateway.reconnect.exitOnGiveUp); " +
          "run `barnacle doctor`, then start Barnacle again",
      );
      return EXIT.tryAgain;
    case "fault": {
      const { message, code } = toStartError(end.error);
      log.error(message);
      return code;
    }
    case "worker_died":
      log.error(
        "The gateway thread died too often; start Barnacle again, and if it recurs, report it " +
          "with the lines above",
        { deaths: end.deaths },
      );
      return EXIT.tryAgain;
  }
}

/** Logs the work that the stop waits for, unless the stop is faster. */
async function logOpenWork(
  bot: RunningBot,
  stopped: Promise<void>,
  graceSec: number,
  log: Log,
): Promise<void> {
  let isStopped = false;
  void stopped.finally(() => isStopped = true);
  await bot.refresh();
  if (isStopped) return;
  const { inbox, outbox } = bot.snapshot();
  logWait({ turns: inbox.running, unsent: outbox.pending + outbox.sending }, graceSec, log);
}

interface ServeOptions extends BotOptions, ConfigReloadOptions {
  readonly logging: BotOptions["logging"];
  readonly features: readonly Feature[];
  /** SIGHUPs, which cause a reload. */
  readonly hangups: Hangups;
  /** State of the config file at the time of the read. */
  readonly fileState: string;
  /** Publishes the HTTP address on this machine. */
  readonly setHttp: (address: string, key: string) => void;
  /** Publishes that another program has the HTTP port. */
  readonly setPortInUse: (port: number) => void;
  /** Announces an account that is online, with the base URL of the HTTP server. */
  readonly announce: (online: Online, http: string | undefined) => void;
  readonly notify: Notify;
  /** A test ends the process there. */
  readonly crashAt: (moment: CrashMoment) => void;
  /** Exit code of the last run here; `undefined` if it was killed. */
  readonly lastExitCode: number | undefined;
}

/**
 * Milliseconds that connecting to Discord, and the answers to the first messages, get at most before the
 * HTTP server is loaded, which takes some 20 ms of CPU time.
 */
const HTTP_WAIT_MS = 1_000;

/** Milliseconds of the start; after it, code is compiled sooner. */
const START_MS = 1_000;

/** Starts the bot and its HTTP server, and waits for its end or for a signal. */
export async function serve(options: ServeOptions): Promise<ExitCode> {
  const { logging, store } = options;
  const log = logging.forPart("main");
  const signal = firstSignal(); // before the start, which may take long
  let bot: RunningBot | undefined;
  const runId = randomUUID();
  let ending = "fault";
  let server: HttpServer | undefined;
  let requests: Awaited<ReturnType<typeof serveCommands>>;
  let parts: Awaited<ReturnType<typeof createServedParts>> | undefined;
  let { setup } = options;
  /** Such as a full disk; then the bot starts all the same, unless it cannot use the store at all. */
  let unstored: unknown;
  await logLastRun(runId, options, log).catch((error: unknown) => {
    if (error instanceof StoreError && error.kind === "damaged") throw error;
    unstored = error;
  });
  let ended: Promise<void> | undefined;
  /** Whether the store's failure ends the run: then the last line says so, and no other one. */
  let isStoreDown = false;
  /** Stores how the run ended, once; before the log says so, for the process may be killed then. */
  const endRun = () =>
    ended ??= store.gateway.endRun(runId, ending, Date.now()).catch((error: unknown) => {
      if (isStoreDown) return;
      log.error("Cannot store the end of this run", { error });
    });
  let isLeaving = false;
  // At once: a second signal ends the process, and that is no crash.
  void signal.then(() => {
    if (isLeaving) return;
    ending = "stopped";
    void endRun();
  });
  let watch: ReturnType<typeof watchOver> | undefined;
  const cancel = schedule(endStart, START_MS);
  try {
    const { promise: listening, resolve: setBase } = Promise.withResolvers<string | undefined>();
    bot = await startBot({
      ...options,
      async dashboardLink() {
        await listening;
        return await parts?.link() ?? { kind: "none" };
      },
      // Guilds may arrive while running turns end.
      onOnline: (online) =>
        void listening.then((base) => isLeaving || options.announce(online, base)),
    });
    if (unstored !== undefined) {
      log.error("Cannot store the start of this run", { error: unstored });
    }
    const base = () =>
      server && `http://${urlHostOf(server.addresses[0] ?? "127.0.0.1")}:${server.port}`;
    const features = parts = await createServedParts(options.features, {
      ...options,
      bot,
      reload: () => watch?.reload() ?? Promise.resolve(),
      base,
    });
    server = await listen(features.answer, options, log);
    const address = base()?.slice("http://".length);
    if (address !== undefined) options.setHttp(address, options.commandKey);
    setBase(base());
    await features.applied(setup);
    requests = await serveCommands(bot, options, features.methods, log);
    watch = watchOver(bot, {
      ...options,
      applied(next, connected) {
        setup = next;
        void features.applied(next);
        options.applied(next, connected);
      },
    }, log);
    log.info("Barnacle is running", {
      pid: process.pid,
      ...(server && { health: `${base()}/healthz` }),
    });
    const end = await Promise.race([bot.ended, signal]);
    isLeaving = true;
    watch.leave();
    await features.leave();
    const code = endingOf(end, log);
    ending = code === EXIT.done ? "stopped" : end.kind;
    const { graceSec } = setup.config.shutdown;
    const stopped = bot.stop();
    if (end.kind === "signal") void logOpenWork(bot, stopped, graceSec, log);
    await stopped;
    await endRun();
    log.info("Barnacle has stopped", { code });
    return code;
  } catch (error) {
    isStoreDown = error instanceof StoreError;
    await bot?.stop();
    throw error;
  } finally {
    cancel();
    watch?.stop();
    await parts?.close();
    await requests?.close();
    await server?.close();
    await endRun();
    await parts?.end();
  }
}

/**
 * Takes requests of commands; `undefined` if there can be no socket, which no bot needs to answer. The
 * code that carries them out is loaded with the first one.
 */
async function serveCommands(
  bot: RunningBot,
  { store, dataDir, crashAt }: ServeOptions,
  methods: OwnMethods,
  log: Log,
) {
  const { serveSocket } = await import("../../host/bot_socket.ts");
  let handler: SocketHandler | undefined;
  try {
    return await serveSocket(dataDir, async (request) => {
      crashAt("asked");
      const { createCallHandler } = await import("../shared/store_methods.ts");
      handler ??= createCallHandler(store, bot.changedByCommand, methods);
      const answer = await handler(request);
      crashAt("carriedOut");
      return answer;
    }, (error) => log.error("Cannot answer a command", { error }));
  } catch (error) {
    log.warn("Commands cannot reach this bot; those that change data need it stopped", { error });
    return undefined;
  }
}

/** Opens the HTTP server once connecting to Discord is under way; `undefined` for none. */
async function listen(
  answer: RequestHandler,
  { setup: { config: { http } }, loaded: { written }, setPortInUse }: ServeOptions,
  log: Log,
): Promise<HttpServer | undefined> {
  await untilIdle(HTTP_WAIT_MS);
  const { startHttpServer } = await import("../../host/http_server.ts");
  const { bind, port, required: isRequired } = http;
  const listening = await listenForHealth(
    { bind, port, token: http.token?.reveal(), publicUrl: http.publicUrl },
    { isWritten: valueAt(written, ["http", "port"]) !== undefined, isRequired },
    answer,
    startHttpServer,
  );
  if (listening.kind === "none") {
    setPortInUse(port);
    log.warn(
      "Another program uses http.port, so the bot runs without HTTP server: no health checks, no " +
        "metrics, no `barnacle status`",
      { port, hint: "set another http.port, or stop that program; then start Barnacle again" },
    );
    return undefined;
  }
  const { server, insteadOf } = listening;
  if (insteadOf !== undefined) {
    log.warn("Another program uses the default port of the HTTP server; using the next free one", {
      port: server.port,
      insteadOf,
      hint: "`barnacle status` finds it; set http.port to keep the same one",
    });
  }
  return server;
}

async function logLastRun(runId: string, options: ServeOptions, log: Log): Promise<void> {
  const { store, lastExitCode: code } = options;
  const bootId = readBootId();
  const startedAt = Date.now();
  const failure = code ? `exit code ${code}: ${meaningOf(code)}` : undefined;
  const ending = code === EXIT.done ? "stopped" : failure;
  const last = await store.gateway.startRun({ runId, startedAt, bootId }, ending);
  const remark = describeLastRun(last, startedAt, bootId);
  if (remark) log.warn(remark.event, remark.fields);
}

/** Starts watchdog, config reloads and keep-alive visits. */
function watchOver(bot: RunningBot, options: ServeOptions, log: Log): {
  /** Reads the config again. */
  readonly reload: () => Promise<void>;
  /** Called when the bot begins to stop. */
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
    watchdogMs,
    facts: bot.snapshot,
    refresh: bot.refresh,
    status: () => statusLine(bot.snapshot(), Date.now()),
    steadyNow: () => performance.now(),
    schedule,
    log,
  });
  const reload = createConfigReload(bot, {
    ...options,
    applied(setup, connected) {
      ({ config } = setup);
      options.applied(setup, connected);
    },
  }, watchdog);
  const stopReloads = [
    options.hangups.onHangup(() => void reload()),
    ...(config.file === undefined ? [] : [
      watchPath(configPlaces(config.file), () => void reload(), {
        schedule,
        since: options.fileState,
      }),
    ]),
  ];
  watchdog.ready(); // a SIGHUP may arrive from now on
  const { keepAliveUrl } = config.http;
  const keepAlive = keepAliveUrl === undefined ? undefined : startKeepAlive({
    url: keepAliveUrl,
    visit: visitByFetch,
    isAlive: () => isAlive(bot.snapshot(), Date.now()),
    schedule,
    log,
  });
  return {
    reload,
    leave() {
      watchdog.stopping(config.shutdown.graceSec * 1_000 + STOP_EXTRA_MS);
      for (const stopReload of stopReloads) stopReload();
      keepAlive?.stop();
    },
    stop() {
      watchdog.stop();
      keepAlive?.stop();
    },
  };
}
