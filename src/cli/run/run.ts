/**
 * `barnacle run`: connects to Discord and answers until a signal.
 *
 * It finds all problems before the first connection, in the order in which an operator would fix
 * them. Each has one line and one exit code.
 */

import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { loadGatewayThread, type Setup } from "../../bot.ts";
import { BOT_TOKEN } from "../../config/schema/accounts.ts";
import { envSecret } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import {
  armFault,
  type CrashPoints,
  createCrashPoints,
  readCrashPoint,
  readFault,
} from "../../host/process/crash_points.ts";
import {
  DATABASE_NAME,
  findDataDir,
  MEDIA_NAME,
  prepareDataDir,
} from "../../host/files/data_dir.ts";
import { loadNotify } from "../../host/process/sd_notify.ts";
import { stateOf } from "../../host/files/watch_path.ts";
import type { Log } from "../../lib/log.ts";
import { isForPeople, levelOf, startLogging } from "./start_logging.ts";
import { VERSION } from "../../version.ts";
import { createBanner } from "./banner.ts";
import { findSetup } from "./setup.ts";
import { readBuild } from "../shared/build.ts";
import { lockedBot } from "../shared/discord.ts";
import {
  configPlaces,
  findConfig,
  problemsText,
  readConfig,
  readConfigAgain,
} from "../shared/read_config.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import type { Extra } from "../extras/extra.ts";
import type { Hangups } from "./hangup.ts";
import type { Io } from "../terminal/io.ts";
import { serve } from "./serve.ts";
import { acquireInstance } from "../shared/sole_instance.ts";
import { toStartError } from "../shared/start_error.ts";
import { DEFAULT_RETENTION } from "../../store/messages/retention.ts";
import { lacksCommits } from "../../store/database/database_files.ts";
import { openStore, type Store } from "../../store/store.ts";

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
  extras: readonly Extra[],
): Promise<ExitCode> {
  try {
    const isNew = "looked" in findConfig(flags.config, io.env) && !envSecret(io.env, BOT_TOKEN);
    if (!isNew) return await run(flags, io, hangups, extras);
    const { offerSetup } = await import("../../extras/setup/offer.ts");
    const end = await offerSetup(flags, io);
    if (end && !end.runs) return end.code;
    return await run({ ...flags, config: end?.runs?.config }, io, hangups, extras);
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
  extras: readonly Extra[],
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
        extras,
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

function botsOf({ accounts }: Pick<Setup, "accounts">): readonly string[] {
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
