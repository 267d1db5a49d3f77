/**
 * `barnacle run`: connects to Discord and answers until a signal.
 *
 * It finds all problems before the first connection, in the order in which an operator would fix
 * them. Each has one line and one exit code.
 */

import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { loadGatewayThread, type Online, type Setup } from "../../bot.ts";
import type { BotConfig } from "../../config/config.ts";
import { BOT_TOKEN } from "../../config/schema/accounts.ts";
import { envSecret } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import {
  DATABASE_NAME,
  findDataDir,
  MEDIA_NAME,
  prepareDataDir,
} from "../../host/files/data_dir.ts";
import { openLogFile } from "../../host/files/log_file.ts";
import { stateOf } from "../../host/files/watch_path.ts";
import {
  armFault,
  type CrashPoints,
  createCrashPoints,
  readCrashPoint,
  readFault,
} from "../../host/process/crash_points.ts";
import { loadNotify } from "../../host/process/sd_notify.ts";
import { withHome } from "../../lib/env.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import {
  createStderrWriter,
  inBatches,
  type Logging,
  type LogLevel,
  type LogSettings,
  startLog,
} from "../../log.ts";
import { lacksCommits } from "../../store/database/database_files.ts";
import { DEFAULT_RETENTION } from "../../store/messages/retention.ts";
import { openStore, type Store } from "../../store/store.ts";
import { VERSION } from "../../version.ts";
import type { Feature } from "../../features/feature.ts";
import { readBuild } from "../shared/build.ts";
import type { CommonFlags } from "../shared/command.ts";
import { lockedBot } from "../shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import {
  configPlaces,
  findConfig,
  problemsText,
  readConfig,
  readConfigAgain,
} from "../shared/read_config.ts";
import { acquireInstance } from "../shared/sole_instance.ts";
import { toStartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";
import type { Hangups } from "./hangup.ts";
import { serve } from "./serve.ts";
import { findSetup } from "./setup.ts";

/** Guilds to name; the others are counted only. */
const MAX_NAMED = 5;

/**
 * Creates the function that announces an account.
 *
 * @param isForPeople Whether stderr is a terminal whose log is for people.
 * @returns Gets the account, and the base URL of the HTTP server if there is one.
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
): (online: Online, http: string | undefined) => void {
  return ({ accountId, bot, guilds, models }, http) => {
    const name = printable(bot.username);
    const health = http === undefined ? undefined : `${http}/healthz`;
    if (!isForPeople) {
      return log.info("The bot is ready", {
        accountId,
        bot: name,
        botId: bot.userId,
        guilds: guilds.length,
        guildNames: guilds.slice(0, MAX_NAMED).map(printable),
        model: models.join(", "),
        ...(config !== undefined && { config }),
        data,
        ...(health !== undefined && { health }),
        version,
      });
    }
    const rows: readonly (readonly [term: string, text: string])[] = [
      ["guilds", guildsText(guilds)],
      [models.length === 1 ? "model" : "models", models.join(", ")],
      ["config", config ?? "none: environment variables only"],
      ["data", data],
      ["health", health ?? "no HTTP server"],
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

/** Options of `run` for its log. */
interface LogFlags {
  readonly json: boolean;
  readonly connectionDebug: boolean;
}

export function startLogging(flags: LogFlags, config: BotConfig, dataDir: string, io: Io): Logging {
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

/** Opens `log.file`. A bot without it answers all the same, so a failure is only logged. */
function toLogFile(
  { log: { file, fileMaxMb } }: BotConfig,
  dataDir: string,
  onFailed: (error: unknown) => void,
): LogSettings["writeToFile"] {
  if (file === undefined) return undefined;
  try {
    prepareDataDir(dataDir);
    const path = resolve(dataDir, withHome(file, homedir()));
    return inBatches(openLogFile({ path, maxBytes: fileMaxMb * 1e6, onFailed }));
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
  let current = setup;
  report(loaded.problems, log, io);

  prepareDataDir(dataDir);
  // The gateway thread loads while this thread waits for locks and for the disk.
  const thread = setup.accounts.size > 0 ? loadGatewayThread() : undefined;
  try {
    const notify = await loadNotify(env, (message, cause) => log.warn(message, { error: cause }));
    // `--force` waits for the other instance, and a large store takes long to migrate.
    const startMs = config.shutdown.graceSec * 1_000 + MIGRATION_MS;
    notify(`EXTEND_TIMEOUT_USEC=${startMs * 1_000}`);
    const instance = await acquireInstance({
      dataDir,
      bots: botsOf(setup),
      isForced: flags.force,
      graceMs: config.shutdown.graceSec * 1_000,
      startedAt,
      config: config.file === undefined ? undefined : resolve(config.file),
    }, log);
    const commandKey = randomBytes(KEY_BYTES).toString("hex");
    let store: Store | undefined;
    let code: ExitCode | undefined;
    try {
      const isCut = lacksCommits(join(dataDir, DATABASE_NAME));
      store = openBotStore(dataDir, config, crash);
      if (isCut) {
        log.warn("The store's log ends before its last commits: the last messages may be missing", {
          fix:
            "nothing after a power cut; if the files were copied, install a backup in their place",
        });
      }
      const banner = createBanner(
        { version: VERSION, config: config.file, data: dataDir },
        isForPeople(flags, io),
        { log, io },
      );
      return code = await serve({
        features,
        setup,
        loaded,
        hangups,
        fileState,
        readAgain: () => readConfigAgain(config.file, flags.config, env, flags.insecurePermissions),
        async prepare(next) {
          const result = await findSetup(next, env, logging);
          if (result.kind === "setup") await instance.addBots(botsOf(result.setup));
          return result;
        },
        applied(next, connected) {
          current = next;
          logging.setLevel(levelOf(flags, next.config));
          // The current setup: another one may have been applied while an account finished its turns.
          void connected.then(() => instance.keepBots(botsOf(current)));
        },
        setHttp: instance.setHttp,
        setPortInUse: instance.setPortInUse,
        lastExitCode: instance.lastExitCode,
        commandKey,
        store,
        announce: banner,
        notify,
        dataDir,
        mediaFolder: join(dataDir, MEDIA_NAME),
        logging,
        build: readBuild(),
        isConnectionDebug: flags.connectionDebug,
        env,
        thread,
        crashAt: crash.at,
        crashHooks: {
          onAnswerStarted: () => crash.at("posted"),
          onAnswered: () => crash.at("answered"),
        },
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

/**
 * Opens the store; the caller holds the directory's lock.
 *
 * @throws {StoreError} As {@link openStore} does.
 */
function openBotStore(
  dataDir: string,
  { store: { retention } }: Setup["config"],
  crash: CrashPoints,
): Store {
  return openStore(join(dataDir, DATABASE_NAME), {
    now: Date.now(),
    elapsed: () => performance.now(),
    retention: { ...DEFAULT_RETENTION, ...retention },
    crash,
  });
}
