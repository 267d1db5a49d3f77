/**
 * `barnacle run`: connect, and answer until told to stop.
 *
 * Everything that can be wrong before the first connection is found here, in
 * the order in which a person would mend it, and each has one line and one exit
 * code.
 *
 * @module
 */

import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Bot, type BotEnd, type BotOptions, loadGatewayThread, startBot } from "../bot.ts";
import type { Problem } from "../config/problem.ts";
import type { Config } from "../config/config.ts";
import { createCrashPoints, readCrashPoint } from "../host/crash_points.ts";
import { DATABASE_NAME, DataDirError, findDataDir, prepareDataDir } from "../host/data_dir.ts";
import { armFault, readFault } from "../host/faults.ts";
import { HttpServerError, startHttpServer } from "../host/http_server.ts";
import { FlockUnavailableError } from "../host/flock.ts";
import { takeLock } from "../host/lock.ts";
import type { Log } from "../lib/log.ts";
import { createStderrWriter, startLog } from "../log.ts";
import { openStore } from "../store/store.ts";
import { StoreError } from "../store/store_error.ts";
import { findAccount } from "./account.ts";
import { buildFacts } from "./build.ts";
import { readConfig, shown } from "./read_config.ts";
import { EXIT, type ExitCode } from "./exit_code.ts";
import type { CommonFlags } from "./flags.ts";
import type { Io } from "./io.ts";

export interface RunFlags extends CommonFlags {
  readonly connectionDebug: boolean;
  readonly insecurePermissions: boolean;
}

/** Something that keeps Barnacle from starting, and the code to end with. */
class StartError extends Error {
  override readonly name = "StartError";
  readonly code: ExitCode;

  constructor(message: string, code: ExitCode, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Runs the bot until a signal or until it cannot go on. */
export async function runBot(flags: RunFlags, io: Io): Promise<ExitCode> {
  try {
    return await run(flags, io);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.err(`barnacle: ${message}`);
    return code;
  }
}

async function run(flags: RunFlags, io: Io): Promise<ExitCode> {
  const { env } = io;
  const loaded = await readConfig(flags.config, env, flags.insecurePermissions);
  if (loaded.kind === "refused") return refuse(loaded.problems, io);
  const { config } = loaded;
  const crash = createCrashPoints(hookOf("BARNACLE_CRASH_AT", () => readCrashPoint(env)));
  const fault = hookOf("BARNACLE_FAULT", () => readFault(env));
  if (fault) armFault(fault);

  const isConnectionDebug = flags.connectionDebug || config.logLevel === "connection_debug";
  const logging = startLog({
    level: isConnectionDebug ? "connection_debug" : config.logLevel,
    format: io.isTerminal && !flags.json ? "human" : "json",
    isColoured: io.isTerminal && !env["NO_COLOR"],
    write: createStderrWriter(),
  });
  if (config.http.token) logging.addSecret(config.http.token.reveal());
  const found = await findAccount(config, env, logging);
  if (found.kind === "problem") return refuse([found.problem], io);
  report(loaded.problems, logging.forPart("main"), io);

  const dataDir = findDataDir({
    env,
    home: homedir(),
    ...(flags.data !== undefined && { flag: flags.data }),
  });
  prepareDataDir(dataDir);
  const lock = await takeLock(join(dataDir, "lock"), Date.now());
  if (lock.kind === "taken") {
    const who = lock.heldBy ? `with pid ${lock.heldBy.pid}` : "that does not say who it is";
    throw new StartError(
      `Another Barnacle ${who} uses ${dataDir}; stop it, or name another directory by --data`,
      EXIT.tryAgain,
    );
  }
  const store = openStore(join(dataDir, DATABASE_NAME), {
    now: Date.now(),
    elapsed: () => performance.now(),
    crash,
  });
  const thread = found.kind === "account" ? loadGatewayThread() : undefined;
  try {
    return await serve(config, {
      config,
      ...(found.kind === "account" && { account: found.account }),
      store,
      logging,
      build: buildFacts(),
      isConnectionDebug,
      ...(thread && { thread }),
      crashHooks: {
        onAnswerStarted: () => crash.at("posted"),
        onAnswered: () => crash.at("answered"),
      },
    }, lock.setHttp);
  } finally {
    await thread?.close();
    store.close();
    lock.release();
    logging.stop();
  }
}

/** Gives the bot its socket, and waits for its end or for a signal. */
async function serve(
  { http: { bind, port, token } }: Config,
  options: BotOptions,
  setHttp: (address: string) => void,
): Promise<ExitCode> {
  const log = options.logging.forPart("main");
  const signal = signalled(); // from now on, for a start can take a while
  let bot: Bot | undefined;
  const server = await startHttpServer({
    bind,
    port,
    ...(token && { token: token.reveal() }),
  }, (request, peer) => bot ? bot.http(request, peer) : new Response("starting", { status: 503 }));
  const address = `${hostOf(server.addresses[0] ?? "127.0.0.1")}:${server.port}`;
  setHttp(address);
  try {
    bot = await startBot(options);
    log.info("Barnacle is running", { pid: process.pid, health: `http://${address}/healthz` });
    const end = await Promise.race([bot.ended, signal]);
    const code = endingOf(end, log);
    await bot.stop();
    log.info("Barnacle has stopped", { code });
    return code;
  } finally {
    await server.close();
  }
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

function endingOf(end: Ending, log: Log): ExitCode {
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
      log.error("Gave up connecting to Discord, as gateway.reconnect says");
      return EXIT.tryAgain;
    case "fault": {
      const { message, code } = toStartError(end.error);
      log.error(message);
      return code;
    }
    case "worker_died":
      log.error("The gateway's thread died too often", { deaths: end.deaths });
      return EXIT.tryAgain;
  }
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

/** What is the world's fault has words of its own; anything else is a fault of ours. */
function toStartError(error: unknown): { readonly message: string; readonly code: ExitCode } {
  if (error instanceof StartError) return error;
  if (
    error instanceof DataDirError || error instanceof StoreError ||
    error instanceof FlockUnavailableError
  ) {
    return { message: error.message, code: EXIT.io };
  }
  if (error instanceof HttpServerError) {
    return {
      message: error.message,
      code: error.kind === "port_in_use" ? EXIT.tryAgain : EXIT.config,
    };
  }
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  return { message: `a fault of Barnacle's own: ${stack}`, code: EXIT.failed };
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

function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
