/**
 * Reads the config again, and applies it to the running bot (C9).
 *
 * It applies all changes or none. An invalid file, or one whose token or model is not available,
 * changes nothing, and health reports it until it is fixed. No file content ends the bot.
 */

import { createHash } from "node:crypto";
import { type KeyChange, planReload, type ReloadPlan } from "../../config/changes.ts";
import type { Loaded, LoadedConfig } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Log } from "../../lib/log.ts";
import type { BotOptions, RunningBot, Setup } from "../../bot.ts";
import type { Watchdog } from "../../http/monitor/watchdog.ts";
import { InstanceTakenError } from "../shared/sole_instance.ts";
import type { FoundSetup } from "./setup.ts";

/** The bot and its config file. */
interface ReloadPorts {
  /** Finds, reads and checks the file again. */
  readonly read: () => Promise<Loaded>;
  readonly running: LoadedConfig;
  /**
   * Applies a config to the bot.
   *
   * @returns Problems, if nothing was applied.
   */
  readonly apply: (loaded: LoadedConfig, plan: ReloadPlan) => Promise<readonly Problem[]>;
  /**
   * Reports why the file is not the current config; `undefined` if it is, with the keys that differ
   * from those of the start and apply from the next one on.
   */
  readonly onState: (problem: string | undefined, atTheNextStart?: readonly string[]) => void;
  /** Called before and after, for the service manager. */
  readonly onBegin: () => void;
  /** Called after a reload. */
  readonly onEnd: () => void;
  readonly log: Log;
}

/** Maximum number of changes with a log line each. */
const MAX_LOGGED = 50;

/** Creates a function that reads the config again; a call during a read causes one more read. */
export function createReload(ports: ReloadPorts): () => Promise<void> {
  let { running } = ports;
  let isWanted = false;
  let reading: Promise<void> | undefined;

  async function readAll(): Promise<void> {
    ports.onBegin();
    try {
      while (isWanted) {
        isWanted = false;
        running = await readOnce(running, ports);
      }
    } finally {
      ports.onEnd();
      reading = undefined;
    }
  }

  return () => {
    isWanted = true;
    return reading ??= readAll();
  };
}

/** @returns The current config from now on. */
async function readOnce(running: LoadedConfig, ports: ReloadPorts): Promise<LoadedConfig> {
  const { read, apply, onState, log } = ports;
  try {
    const loaded = await read();
    const known = new Set(running.problems.map(wordsOf));
    logProblems(loaded.problems.filter((problem) => !known.has(wordsOf(problem))), log);
    if (loaded.kind === "refused") return refuse(running, loaded.problems, ports);
    const plan = planReload(running, loaded);
    const isSame = plan.changes.length === 0;
    logChanges(plan.changes, log);
    const isSameText = loaded.text === running.text;
    const obstacles = isSame && isSameText
      ? []
      : await apply(loaded, isSameText ? plan : inOtherLines(plan));
    if (obstacles.length > 0) {
      logProblems(obstacles, log);
      return refuse(running, obstacles, ports);
    }
    onState(undefined, laterKeys(planReload(ports.running, loaded).changes).slice(0, MAX_LOGGED));
    if (isSame) log.info("The config was read again: it is valid and unchanged");
    else logApplied(plan, log);
    return loaded;
  } catch (error) {
    log.error("The config cannot be read again; the current one stays", { error });
    onState("cannot be read");
    return running;
  }
}

/** Unchanged rules may be in other lines now, which `barnacle why` names: apply them again. */
function inOtherLines(plan: ReloadPlan): ReloadPlan {
  const accounts = plan.accounts.map((account) =>
    account.does === "keep" ? { ...account, does: "apply" as const } : account
  );
  return { ...plan, accounts };
}

function refuse(
  running: LoadedConfig,
  problems: readonly Problem[],
  { onState, log }: ReloadPorts,
): LoadedConfig {
  const error = problems.find(({ severity }) => severity === "error");
  const where = [error?.file, error?.line, error?.column].filter((part) => part !== undefined);
  onState(`${where.length === 0 ? "" : `${where.join(":")}: `}${error?.message ?? "not valid"}`);
  log.error("The changed config cannot be used; the current one stays");
  return running;
}

/** Identifies a problem, though its line may have moved. */
const wordsOf = ({ path, message }: Problem) => `${path}: ${message}`;

function logProblems(problems: readonly Problem[], log: Log): void {
  for (const { severity, path, line, message, hint } of problems) {
    log[severity === "error" ? "error" : severity === "warning" ? "warn" : "info"](message, {
      key: path,
      ...(line !== undefined && { line }),
      ...(hint !== undefined && { hint }),
    });
  }
}

function logChanges(changes: readonly KeyChange[], log: Log): void {
  for (const { path, from, to, takesEffect } of changes.slice(0, MAX_LOGGED)) {
    log.info("The config has changed", {
      key: path,
      from: from ?? "(not set)",
      to: to ?? "(not set)",
      takesEffect,
    });
  }
  const rest = changes.length - MAX_LOGGED;
  if (rest > 0) log.info("More config keys have changed than are logged", { more: rest });
}

function laterKeys(changes: readonly KeyChange[]): readonly string[] {
  return changes.filter(({ takesEffect }) => takesEffect === "restart").map(({ path }) => path);
}

function logApplied({ changes, accounts }: ReloadPlan, log: Log): void {
  const reconnected = accounts.filter(({ does }) => does !== "keep" && does !== "apply")
    .map(({ accountId, does }) => `${accountId} (${does === "restart" ? "reconnects" : does})`);
  const later = laterKeys(changes);
  log.info("The config applies", {
    changes: changes.length,
    ...(reconnected.length > 0 && { accounts: reconnected.join(", ") }),
    ...(later.length > 0 && { atTheNextStart: later.slice(0, MAX_LOGGED).join(", ") }),
  });
}

/** The config of a running bot, and how it is read again. */
export interface ConfigReloadOptions {
  readonly loaded: LoadedConfig;
  readonly logging: BotOptions["logging"];
  readonly readAgain: () => Promise<Loaded>;
  /** Finds tokens, model and API of a config's accounts, and takes their locks. */
  readonly prepare: (loaded: LoadedConfig) => Promise<FoundSetup>;
  /** Called once a config applies; `connected` resolves when its accounts are connected. */
  readonly applied: (setup: Setup, connected: Promise<void>) => void;
}

/** Creates the function that reads the config again and applies it (C9). */
export function createConfigReload(
  bot: RunningBot,
  { loaded, logging, readAgain, prepare, applied }: ConfigReloadOptions,
  watchdog: Watchdog,
): () => Promise<void> {
  let revision = revisionOf(loaded);
  let loadedAt = Date.now();
  let since: number | undefined;
  let atTheNextStart: readonly string[] = [];
  const setConfig = (problem?: string, later?: readonly string[]): void => {
    since = problem === undefined ? undefined : since ?? Date.now();
    atTheNextStart = later ?? atTheNextStart;
    bot.setConfig({ revision, loadedAt, problem, since, atTheNextStart });
  };
  setConfig();
  return createReload({
    read: readAgain,
    running: loaded,
    async apply(next, { accounts }) {
      const result = await prepare(next).catch((error: unknown): FoundSetup => {
        if (!(error instanceof InstanceTakenError)) throw error;
        const problem: Problem = { severity: "error", path: "", message: error.message };
        return { kind: "problems", problems: [problem] };
      });
      if (result.kind === "problems") return result.problems;
      revision = revisionOf(next);
      loadedAt = Date.now();
      const { connected } = await bot.apply(result.setup, accounts);
      applied(result.setup, connected);
      return [];
    },
    onState: setConfig,
    onBegin: watchdog.reloading,
    onEnd: watchdog.reloaded,
    log: logging.forPart("config"),
  });
}

/** A hash of the file's text, in which secrets are blanked. */
function revisionOf({ text = "" }: LoadedConfig): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
