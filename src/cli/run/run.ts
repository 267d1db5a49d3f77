/**
 * `barnacle run`: connect, and answer until told to stop.
 *
 * Everything that can be wrong before the first connection is found here, in
 * the order in which a person would mend it, and each has one line and one exit
 * code.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { loadGatewayThread, type Setup } from "../../bot.ts";
import type { BotConfig } from "../../config/config.ts";
import { locateConfig } from "../../config/locate.ts";
import type { Problem } from "../../config/text/problem.ts";
import {
  type CrashPoints,
  createCrashPoints,
  readCrashPoint,
} from "../../host/process/crash_points.ts";
import { DATABASE_NAME, findDataDir, prepareDataDir } from "../../host/files/data_dir.ts";
import { hearDoorbell } from "../../host/files/doorbell.ts";
import { armFault, readFault } from "../../host/process/faults.ts";
import { loadNotify } from "../../host/process/sd_notify.ts";
import { stateOf } from "../../host/files/watch_path.ts";
import type { Log } from "../../lib/log.ts";
import { createStderrWriter, type Logging, type LogLevel, startLog } from "../../log.ts";
import { DEFAULT_RETENTION } from "../../store/received/retention.ts";
import { openStore, type Store } from "../../store/store.ts";
import { findSetup } from "./setup.ts";
import { buildFacts } from "../shared/build.ts";
import { lockedBot } from "../shared/discord.ts";
import { readConfig, readConfigAgain, shown } from "../shared/read_config.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Hangups } from "./hangup.ts";
import type { Io } from "../terminal/io.ts";
import { serve } from "./serve.ts";
import { claimInstance } from "../shared/sole_instance.ts";
import { StartError, toStartError } from "../shared/start_error.ts";

export interface RunFlags extends CommonFlags {
  readonly connectionDebug: boolean;
  readonly insecurePermissions: boolean;
  readonly force: boolean;
}

/** What opening a store may take, in milliseconds. */
const MIGRATION_MS = 10 * 60_000;

/** Runs the bot until a signal or until it cannot go on. */
export async function runBot(flags: RunFlags, io: Io, hangups: Hangups): Promise<ExitCode> {
  try {
    return await run(flags, io, hangups);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(`${message}`);
    return code;
  }
}

async function run(flags: RunFlags, io: Io, hangups: Hangups): Promise<ExitCode> {
  const { env } = io;
  const startedAt = Date.now();
  // Before it is read: what is written meanwhile is a change, and read again.
  const located = locateConfig(flags.config, env, existsSync);
  const fileState = located.kind === "file" ? stateOf(located.path) : "";
  const loaded = await readConfig(flags.config, env, flags.insecurePermissions);
  if (loaded.kind === "refused") return refuse(loaded.problems, io);
  const { config } = loaded;
  const crash = createCrashPoints(hookOf("BARNACLE_CRASH_AT", () => readCrashPoint(env)));
  const fault = hookOf("BARNACLE_FAULT", () => readFault(env));
  if (fault) armFault(fault);

  const logging = startLogging(flags, config, io);
  const log = logging.forPart("main");
  const found = await findSetup(loaded, env, logging);
  if (found.kind === "problems") return refuse(found.problems, io);
  const { setup } = found;
  let current = setup;
  report(loaded.problems, log, io);

  const dataDir = findDataDir({
    env,
    home: homedir(),
    ...(flags.data !== undefined && { flag: flags.data }),
  });
  prepareDataDir(dataDir);
  // It loads while this thread waits for locks and for the disk.
  const thread = setup.accounts.size > 0 ? loadGatewayThread() : undefined;
  try {
    const notify = await loadNotify(env, (said, cause) => log.warn(said, { error: cause }));
    // Another one is given its grace, and a large store takes a while to be migrated.
    const startMs = config.shutdownGraceSec * 1_000 + MIGRATION_MS;
    notify(`EXTEND_TIMEOUT_USEC=${startMs * 1_000}`);
    const instance = await claimInstance({
      dataDir,
      bots: botsOf(setup),
      isForced: flags.force,
      graceMs: config.shutdownGraceSec * 1_000,
      startedAt,
    }, log);
    const store = openBotStore(dataDir, config, crash, log);
    try {
      return await serve({
        setup,
        loaded,
        hangups,
        fileState,
        readAgain: () => readConfigAgain(config.file, flags.config, env, flags.insecurePermissions),
        async prepare(next) {
          const found = await findSetup(next, env, logging);
          if (found.kind === "setup") await instance.addBots(botsOf(found.setup));
          return found;
        },
        applied(next, connected) {
          current = next;
          logging.setLevel(levelOf(flags, next.config));
          // Of the setup of then: another may have come while an account let its turns end.
          void connected.then(() => instance.keepBots(botsOf(current))).catch((error: unknown) => {
            log.warn("Cannot let go of a bot that is not ours any more", { error });
          });
        },
        setHttp: instance.setHttp,
        notify,
        store,
        logging,
        build: buildFacts(),
        isConnectionDebug: flags.connectionDebug,
        env,
        hearWriters: (onWritten) => hearDoorbell(dataDir, onWritten),
        ...(thread && { thread }),
        crashHooks: {
          onAnswerStarted: () => crash.at("posted"),
          onAnswered: () => crash.at("answered"),
        },
      });
    } finally {
      store.close();
      await instance.release();
      logging.stop();
    }
  } finally {
    await thread?.close();
  }
}

function startLogging(flags: RunFlags, config: BotConfig, io: Io): Logging {
  const logging = startLog({
    level: levelOf(flags, config),
    format: io.isTerminal && !flags.json ? "human" : "json",
    isColoured: io.errStyle.isOn,
    write: createStderrWriter(),
  });
  if (config.http.token) logging.addSecret(config.http.token.reveal());
  return logging;
}

/** Opens the store that this process alone may write to: the caller has claimed the directory. */
function openBotStore(
  dataDir: string,
  { retention }: BotConfig,
  crash: CrashPoints,
  log: Log,
): Store {
  return openStore(join(dataDir, DATABASE_NAME), {
    now: Date.now(),
    elapsed: () => performance.now(),
    retention: { ...DEFAULT_RETENTION, ...retention },
    crash,
    onRefused: (kind, error) =>
      log.error("A record of the store's journal cannot be applied and is kept; report this", {
        kind,
        error,
      }),
  });
}

function levelOf(
  { connectionDebug }: Pick<RunFlags, "connectionDebug">,
  { logLevel }: Pick<BotConfig, "logLevel">,
): LogLevel {
  return connectionDebug ? "connection_debug" : logLevel;
}

/** What the locks of its accounts' tokens are taken for. */
function botsOf({ accounts }: Pick<Setup, "accounts">): readonly string[] {
  return Array.from(accounts.values(), ({ token, apiBase }) => lockedBot(token, apiBase));
}

/** A test's hook that does not say what it wants stops the start: it would prove nothing. */
function hookOf<Hook>(name: string, read: () => Hook): Hook {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`${name}: ${why}`, EXIT.config, cause);
  }
}

function refuse(problems: readonly Problem[], io: Io): ExitCode {
  io.err(shown(problems, io));
  return EXIT.config;
}

/** A person sees what may be wrong as `config check` shows it; a log gets a line for each. */
function report(problems: readonly Problem[], log: Log, io: Io): void {
  if (io.isTerminal && problems.length > 0) return io.err(shown(problems, io));
  for (const { severity, path, message, hint } of problems) {
    const level = severity === "note" ? "info" : "warn";
    log[level](message, { key: path, ...(hint !== undefined && { hint }) });
  }
}
