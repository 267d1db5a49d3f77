/**
 * `barnacle run`: connects to Discord and answers until a signal, with its HTTP server, the service
 * manager and config reloads.
 *
 * It finds all problems before the first connection, in the order in which an operator would fix
 * them. Each has one line and one exit code.
 */

import process from "node:process";
import { randomBytes, randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import {
  type AccountEnd,
  type BotOptions,
  loadGatewayThread,
  type Online,
  type RunningBot,
  type Setup,
  startBot,
} from "../../bot.ts";
import type { BotConfig } from "../../config/config.ts";
import { BOT_TOKEN } from "../../config/schema/accounts.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { envSecret } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Feature } from "../../features/feature.ts";
import { describeLastRun } from "../../flows/preflight/host.ts";
import type { SocketHandler } from "../../host/bot_socket.ts";
import type { RequestHandler } from "../../host/bounded_server.ts";
import {
  DATABASE_NAME,
  findDataDir,
  MEDIA_NAME,
  prepareDataDir,
} from "../../host/files/data_dir.ts";
import { openLogFile } from "../../host/files/log_file.ts";
import { stateOf, watchPath } from "../../host/files/watch_path.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { readBootId, untilIdle } from "../../host/process/boot.ts";
import { STOP_EXTRA_MS } from "../../host/process/end_process.ts";
import {
  armFault,
  type CrashPoints,
  createCrashPoints,
  readCrashPoint,
  readFault,
} from "../../host/process/crash_points.ts";
import { endStart } from "../../host/process/engine_options.ts";
import {
  forgetManager,
  loadNotify,
  type Notify,
  watchdogMsOf,
} from "../../host/process/sd_notify.ts";
import { isAlive } from "../../http/checks.ts";
import {
  startKeepAlive,
  startWatchdog,
  statusLine,
  visitByFetch,
} from "../../http/monitor/watchdog.ts";
import { schedule } from "../../lib/clock.ts";
import { type Env, withHome } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { urlHostOf } from "../../lib/network/addresses.ts";
import { printable } from "../../lib/text/quoted.ts";
import {
  createStderrWriter,
  inBatches,
  type Logging,
  type LogLevel,
  type LogSettings,
  startLog,
} from "../../log.ts";
import { StoreError } from "../../store/database/database_files.ts";
import { DEFAULT_RETENTION, openStore, type Store } from "../../store/store.ts";
import { VERSION } from "../../version.ts";
import { readBuild } from "../shared/build.ts";
import type { CommonFlags } from "../shared/command.ts";
import { lockedBot } from "../shared/discord.ts";
import { EXIT, type ExitCode, meaningOf, StartError } from "../shared/exit_code.ts";
import {
  configPlaces,
  findConfig,
  problemsText,
  readConfig,
  readConfigAgain,
} from "../shared/read_config.ts";
import { type Instance, InstanceTakenError, openInstance } from "../shared/sole_instance.ts";
import { toStartError } from "../shared/start_error.ts";
import type { OwnMethods } from "../shared/store_methods.ts";
import type { Io } from "../terminal/io.ts";
import type { Hangups } from "./hangup.ts";
import { createReload } from "./reload.ts";
import { createServedParts } from "./served_parts.ts";
import { findSetup, type FoundSetup } from "./setup.ts";

export interface RunFlags extends CommonFlags {
  /** Whether to log gateway traffic. */
  readonly connectionDebug: boolean;
  /** Whether other users may write the config file. */
  readonly insecurePermissions: boolean;
  /** Whether to stop another instance. */
  readonly force: boolean;
}

/** Milliseconds that opening and migrating a store may take. */
const MIGRATION_MS = 10 * 60_000;

/** Runs the bot until a signal, or until it fails. */
export async function runBot(
  flags: RunFlags,
  io: Io,
  hangups: Hangups,
  features: readonly Feature[],
): Promise<ExitCode> {
  try {
    const isNew = "looked" in findConfig(flags.config, io.env) && !envSecret(io.env, BOT_TOKEN);
    if (!isNew) return await run(flags, io, hangups, features);
    const { offerSetup } = await import("../../features/setup/setup.ts");
    const end = await offerSetup(flags, io);
    if (end && !end.runs) return end.code;
    return await run({ ...flags, config: end?.runs?.config }, io, hangups, features);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(message);
    return code;
  }
}

async function run(
  flags: RunFlags,
  io: Io,
  hangups: Hangups,
  features: readonly Feature[],
): Promise<ExitCode> {
  const { env } = io;
  const dataDir = findDataDir({ env, home: homedir(), flag: flags.data });
  const startedAt = Date.now();
  // Before the read: a write in between then counts as a change.
  const found = findConfig(flags.config, env);
  const fileState = "file" in found ? stateOf(configPlaces(found.file)) : "";
  const loaded = await readConfig(flags.config, env, flags.insecurePermissions);
  if (loaded.kind === "refused") return refuse(loaded.problems, io);
  const { config } = loaded;
  const crash = createCrashPoints(hookOf("BARNACLE_CRASH_AT", () => readCrashPoint(env)));
  const fault = hookOf("BARNACLE_FAULT", () => readFault(env));
  if (fault) armFault(fault);

  const logging = startLogging(flags, config, dataDir, io);
  const log = logging.forPart("main");
  const result = await findSetup(loaded, env, logging);
  if (result.kind === "problems") return refuse(result.problems, io);
  const { setup } = result;
  report(loaded.problems, log, io);

  prepareDataDir(dataDir);
  // The gateway thread loads while this thread waits for locks and for the disk.
  const thread = setup.accounts.size > 0 ? loadGatewayThread() : undefined;
  try {
    const notify = await loadNotify(env, (message, cause) => log.warn(message, { error: cause }));
    // `--force` waits for the other instance, and a large store takes long to migrate.
    const startMs = config.shutdown.graceSec * 1_000 + MIGRATION_MS;
    notify(`EXTEND_TIMEOUT_USEC=${startMs * 1_000}`);
    const instance = await openInstance({
      dataDir,
      bots: botsOf(setup),
      isForced: flags.force,
      graceMs: config.shutdown.graceSec * 1_000,
      startedAt,
      config: config.file === undefined ? undefined : resolve(config.file),
    }, log);
    let store: Store | undefined;
    let code: ExitCode | undefined;
    try {
      store = openStore(join(dataDir, DATABASE_NAME), {
        now: Date.now(),
        elapsed: () => performance.now(),
        retention: { ...DEFAULT_RETENTION, ...config.store.retention },
        crash: (when, name) => crash[when](name),
      });
      return code = await serve({
        options: {
          setup,
          store,
          dataDir,
          logging,
          env,
          thread,
          features,
          commandKey: randomBytes(KEY_BYTES).toString("hex"),
          mediaFolder: join(dataDir, MEDIA_NAME),
          build: readBuild(),
          isConnectionDebug: flags.connectionDebug,
          crashHooks: {
            onAnswerStarted: () => crash.at("posted"),
            onAnswered: () => crash.at("answered"),
          },
        },
        features,
        flags,
        io,
        loaded,
        fileState,
        instance,
        hangups,
        notify,
        crash,
      });
    } finally {
      store?.close();
      // The end of the process releases it otherwise, and leaves the exit code.
      if (code === EXIT.done) instance.release();
      logging.stop();
    }
  } finally {
    await thread?.close();
  }
}

function botsOf({ accounts }: Setup): readonly string[] {
  return Array.from(accounts.values(), ({ token, apiBase }) => lockedBot(token, apiBase));
}

/** An invalid test hook stops the start: the test would prove nothing. */
function hookOf<Hook>(name: string, read: () => Hook): Hook {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`${name}: ${why}`, EXIT.config, cause);
  }
}

function refuse(problems: readonly Problem[], io: Io): ExitCode {
  io.err(problemsText(problems, io));
  return EXIT.config;
}

/** Prints warnings on a terminal as `config check` does; a log gets a line for each. */
function report(problems: readonly Problem[], log: Log, io: Io): void {
  if (io.isTerminal && problems.length > 0) return io.err(problemsText(problems, io));
  for (const { severity, path, message, hint } of problems) {
    const level = severity === "note" ? "info" : "warn";
    log[level](message, { key: path, ...(hint !== undefined && { hint }) });
  }
}

/** What a start has prepared. */
interface Prepared {
  readonly options: Omit<BotOptions, "onOnline" | "dashboardLink">;
  readonly features: readonly Feature[];
  readonly flags: RunFlags;
  readonly io: Io;
  readonly loaded: LoadedConfig;
  /** State of the config file at the time of the read. */
  readonly fileState: string;
  readonly instance: Instance;
  /** SIGHUPs, which cause a reload. */
  readonly hangups: Hangups;
  readonly notify: Notify;
  /** A test ends the process there. */
  readonly crash: CrashPoints;
}

/**
 * Milliseconds that connecting to Discord, and the answers to the first messages, get at most before the
 * HTTP server is loaded, which takes some 20 ms of CPU time.
 */
const HTTP_WAIT_MS = 1_000;

/** Ports to try, if other programs use them. */
const PORT_TRIES = 100;

/** Milliseconds of the start; after it, code is compiled sooner. */
const START_MS = 1_000;

/** Starts the bot and its HTTP server, and waits for its end or for a signal. */
export async function serve(prepared: Prepared): Promise<ExitCode> {
  const { options, instance, io, flags } = prepared;
  const { logging, store, dataDir } = options;
  const log = logging.forPart("main");
  const announce = createBanner(
    { version: VERSION, config: prepared.loaded.config.file, data: dataDir },
    isForPeople(flags, io),
    { log, io },
  );
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
  await logLastRun(runId, store, instance.lastExitCode, log).catch((error: unknown) => {
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
    const { promise: listening, resolve: setBase } = Promise.withResolvers<string>();
    bot = await startBot({
      ...options,
      async dashboardLink() {
        await listening;
        return await parts?.link() ?? { kind: "off" };
      },
      // Guilds may arrive while running turns end.
      onOnline: (online) => void listening.then((base) => isLeaving || announce(online, base)),
    });
    if (unstored !== undefined) {
      log.error("Cannot store the start of this run", { error: unstored });
    }
    const base = () =>
      `http://${urlHostOf(server?.addresses[0] ?? "127.0.0.1")}:${server?.port ?? 0}`;
    const features = parts = await createServedParts(prepared.features, {
      ...options,
      bot,
      reload: () => watch?.reload() ?? Promise.resolve(),
      base,
    });
    server = await listen(bot, features.answer, setup, log);
    instance.setHttp(base().slice("http://".length), options.commandKey);
    setBase(base());
    await features.applied(setup);
    requests = await serveCommands(bot, prepared, features.methods, log);
    watch = watchOver(bot, prepared, (next, connected) => {
      setup = next;
      void features.applied(next);
      logging.setLevel(levelOf(flags, next.config));
      // The current setup: another one may have been applied while an account finished its turns.
      void connected.then(() => instance.keepBots(botsOf(setup)));
    });
    log.info("Barnacle is running", { pid: process.pid, health: `${base()}/healthz` });
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
  { options: { store, dataDir }, crash }: Prepared,
  methods: OwnMethods,
  log: Log,
) {
  const { serveSocket } = await import("../../host/bot_socket.ts");
  let handler: SocketHandler | undefined;
  try {
    return await serveSocket(dataDir, async (request) => {
      crash.at("asked");
      const { createCallHandler } = await import("../shared/store_methods.ts");
      handler ??= createCallHandler(store, bot.changedByCommand, methods);
      const answer = await handler(request);
      crash.at("carriedOut");
      return answer;
    }, (error) => log.error("Cannot answer a command", { error }));
  } catch (error) {
    log.warn("Commands cannot reach this bot; those that change data need it stopped", { error });
    return undefined;
  }
}

/** Opens the HTTP server once connecting to Discord is under way. */
async function listen(
  bot: RunningBot,
  answer: RequestHandler,
  { config: { http: { bind, port, token, publicUrl } } }: Setup,
  log: Log,
): Promise<HttpServer> {
  await untilIdle(HTTP_WAIT_MS);
  const { startHttpServer } = await import("../../host/http_server.ts");
  const settings = { bind, port, token: token?.reveal(), publicUrl, tries: PORT_TRIES };
  const server = await startHttpServer(settings, answer);
  if (port !== 0 && server.port !== port) {
    const why = `another program uses port ${port}, so it listens on ${server.port}; stop that ` +
      "program, or choose another http.port";
    bot.setListening("http", why);
    log.warn("The HTTP server listens on another port", {
      port: server.port,
      insteadOf: port,
      why,
    });
  }
  return server;
}

async function logLastRun(
  runId: string,
  store: Store,
  code: number | undefined,
  log: Log,
): Promise<void> {
  const bootId = readBootId();
  const startedAt = Date.now();
  const failure = code ? `exit code ${code}: ${meaningOf(code)}` : undefined;
  const ending = code === EXIT.done ? "stopped" : failure;
  const last = await store.gateway.startRun({ runId, startedAt, bootId }, ending);
  const remark = describeLastRun(last, startedAt, bootId);
  if (remark) log.warn(remark.event, remark.fields);
}

/** Starts watchdog, config reloads and keep-alive visits. */
function watchOver(
  bot: RunningBot,
  { options: { setup, logging, env }, flags, loaded, fileState, instance, hangups, notify }:
    Prepared,
  onApplied: (next: Setup, connected: Promise<void>) => void,
) {
  let { config } = setup;
  const { file } = config;
  const log = logging.forPart("main");
  const watchdogMs = watchdogMsOf(env, process.pid);
  const isListening = Boolean(env["NOTIFY_SOCKET"]);
  forgetManager(process.env);
  const watchdog = startWatchdog({
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
  const read = createReload(
    bot,
    loaded,
    () => readConfigAgain(file, flags.config, env, flags.insecurePermissions),
    (next) => prepareSetup(next, env, logging, instance),
    (next, connected) => {
      ({ config } = next);
      onApplied(next, connected);
    },
    logging.forPart("config"),
  );
  async function reload(): Promise<void> {
    watchdog.reloading();
    await read();
    watchdog.reloaded();
  }
  const stopReloads = [
    hangups.onHangup(() => void reload()),
    ...(file === undefined ? [] : [
      watchPath(configPlaces(file), () => void reload(), { schedule, since: fileState }),
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
    /** Reads the config again. */
    reload,
    /** The bot begins to stop. */
    leave(): void {
      watchdog.stopping(config.shutdown.graceSec * 1_000 + STOP_EXTRA_MS);
      for (const stopReload of stopReloads) stopReload();
      keepAlive?.stop();
    },
    stop(): void {
      watchdog.stop();
      keepAlive?.stop();
    },
  };
}

/** The setup of a config that is read again, with the locks of its bots; or what is in its way. */
async function prepareSetup(
  next: LoadedConfig,
  env: Env,
  logging: Logging,
  instance: Instance,
): Promise<FoundSetup> {
  const result = await findSetup(next, env, logging);
  try {
    if (result.kind === "setup") await instance.addBots(botsOf(result.setup));
    return result;
  } catch (error) {
    if (!(error instanceof InstanceTakenError)) throw error;
    return {
      kind: "problems",
      problems: [{ severity: "error", path: "", message: error.message }],
    };
  }
}

/** Guilds to name; the others are counted only. */
const MAX_NAMED = 5;

/**
 * Creates the function that announces an account.
 *
 * @param isForPeople Whether stderr is a terminal whose log is for people.
 * @returns Gets the account, and the base URL of the HTTP server.
 */
export function createBanner(
  { version, config, data }: {
    readonly version: string;
    /** Path of the config file; absent without one. */
    readonly config?: string;
    readonly data: string;
  },
  isForPeople: boolean,
  { log, io }: { readonly log: Log; readonly io: Io },
): (online: Online, http: string) => void {
  return ({ accountId, bot, guilds, models }, http) => {
    const name = printable(bot.username);
    const health = `${http}/healthz`;
    if (!isForPeople) {
      return log.info("The bot is ready", {
        accountId,
        bot: name,
        botId: bot.userId,
        guilds: guilds.length,
        guildNames: guilds.slice(0, MAX_NAMED).map(printable),
        model: models.join(", "),
        config,
        data,
        health,
        version,
      });
    }
    const rows: readonly (readonly [term: string, text: string])[] = [
      ["guilds", guildsText(guilds)],
      [models.length === 1 ? "model" : "models", models.join(", ")],
      ["config", config ?? "none: environment variables only"],
      ["data", data],
      ["health", health],
    ];
    const account = accountId === "default" ? "" : ` (account ${accountId})`;
    io.err(io.errStyle.bold(`${name} is ready${account}`) + `, Barnacle ${version}`);
    for (const [term, text] of rows) io.err(`  ${term.padEnd(8)}${text}`);
  };
}

/** `"2: Krill Co, Friends"`. */
function guildsText(guilds: readonly string[]): string {
  if (guilds.length === 0) return "none; `barnacle invite` prints the link that adds the bot";
  const rest = guilds.length - MAX_NAMED;
  const names = guilds.slice(0, MAX_NAMED).map(printable).join(", ");
  return `${guilds.length}: ${names}${rest > 0 ? ` and ${rest} more` : ""}`;
}

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

/** Options of `run` for its log. */
interface LogFlags {
  readonly json: boolean;
  readonly connectionDebug: boolean;
}

function startLogging(flags: LogFlags, config: BotConfig, dataDir: string, io: Io): Logging {
  const onFailed = (error: unknown) => logging.forPart("main").warn(FILE_FAILS, { error });
  const logging: Logging = startLog({
    level: levelOf(flags, config),
    format: isForPeople(flags, io) ? "human" : "json",
    isColoured: io.errStyle.isOn,
    write: createStderrWriter(),
    writeToFile: toLogFile(config, dataDir, onFailed),
  });
  return logging;
}

const FILE_FAILS = "Cannot write to log.file; its lines are lost until this succeeds";

/** Size of the file and its older ones together. */
const LOG_FILE_BYTES = 50_000_000;

/** Opens `log.file`. A bot without it answers all the same, so a failure is only logged. */
function toLogFile(
  { log: { file } }: BotConfig,
  dataDir: string,
  onFailed: (error: unknown) => void,
): LogSettings["writeToFile"] {
  if (file === undefined) return undefined;
  try {
    prepareDataDir(dataDir);
    const path = resolve(dataDir, withHome(file, homedir()));
    return inBatches(openLogFile({ path, maxBytes: LOG_FILE_BYTES, onFailed }));
  } catch (error) {
    queueMicrotask(() => onFailed(error)); // the log does not exist yet
    return undefined;
  }
}

/** Whether the log on stderr is for people, and not for a program. */
export function isForPeople({ json }: LogFlags, { isTerminal }: Io): boolean {
  return isTerminal && !json;
}

export function levelOf({ connectionDebug }: LogFlags, { log }: BotConfig): LogLevel {
  return connectionDebug ? "connection_debug" : log.level;
}

/** Bytes of the secret by which commands see the details of the HTTP server. */
const KEY_BYTES = 32;
