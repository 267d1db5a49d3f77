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
import type { RunningBot, Setup } from "../../bot.ts";
import type { FoundSetup } from "./setup.ts";

/** Maximum number of changes with a log line each. */
const MAX_LOGGED = 50;

/**
 * Creates a function that reads the config again and applies it; a call during a read causes one more.
 *
 * @param first The config of the start.
 * @param prepare Finds tokens, model and API of a config's accounts, and takes their locks.
 * @param applied Called once a config applies; `connected` resolves when its accounts are connected.
 */
export function createReload(
  bot: { readonly apply: RunningBot["apply"]; readonly setConfig: RunningBot["setConfig"] },
  first: LoadedConfig,
  read: () => Promise<Loaded>,
  prepare: (loaded: LoadedConfig) => Promise<FoundSetup>,
  applied: (setup: Setup, connected: Promise<void>) => void,
  log: Log,
): () => Promise<void> {
  let running = first;
  let loadedAt = Date.now();
  let since: number | undefined;
  let atTheNextStart: readonly string[] = [];
  let isWanted = false;
  let reading: Promise<void> | undefined;

  /** @param problem Why the file is not the current config. */
  function tell(problem?: string): void {
    since = problem === undefined ? undefined : since ?? Date.now();
    bot.setConfig({ revision: revisionOf(running), loadedAt, problem, since, atTheNextStart });
  }

  /** @returns Problems, if nothing was applied. */
  async function apply(next: LoadedConfig, plan: ReloadPlan): Promise<readonly Problem[]> {
    const result = await prepare(next);
    if (result.kind === "problems") return result.problems;
    loadedAt = Date.now();
    const { connected } = await bot.apply(result.setup, plan.accounts);
    applied(result.setup, connected);
    return [];
  }

  function refuse(problems: readonly Problem[]): void {
    const error = problems.find(({ severity }) => severity === "error");
    const where = [error?.file, error?.line, error?.column].filter((part) => part !== undefined);
    tell(`${where.length === 0 ? "" : `${where.join(":")}: `}${error?.message ?? "not valid"}`);
    log.error("The changed config cannot be used; the current one stays");
  }

  async function readOnce(): Promise<void> {
    const loaded = await read();
    const known = new Set(running.problems.map(wordsOf));
    logProblems(loaded.problems.filter((problem) => !known.has(wordsOf(problem))), log);
    if (loaded.kind === "refused") return refuse(loaded.problems);
    const plan = planReload(running, loaded);
    const isSame = plan.changes.length === 0;
    logChanges(plan.changes, log);
    const isSameText = loaded.text === running.text;
    const obstacles = isSame && isSameText
      ? []
      : await apply(loaded, isSameText ? plan : inOtherLines(plan));
    if (obstacles.length > 0) {
      logProblems(obstacles, log);
      return refuse(obstacles);
    }
    running = loaded;
    atTheNextStart = laterKeys(planReload(first, loaded).changes).slice(0, MAX_LOGGED);
    tell();
    if (isSame) log.info("The config was read again: it is valid and unchanged");
    else logApplied(plan, log);
  }

  async function readAll(): Promise<void> {
    while (isWanted) {
      isWanted = false;
      await readOnce().catch((error: unknown) => {
        log.error("The config cannot be read again; the current one stays", { error });
        tell("cannot be read");
      });
    }
    reading = undefined;
  }

  tell();
  return () => {
    isWanted = true;
    return reading ??= readAll();
  };
}

/** Unchanged rules may be in other lines now, which `barnacle why` names: apply them again. */
function inOtherLines(plan: ReloadPlan): ReloadPlan {
  const accounts = plan.accounts.map((account) =>
    account.does === "keep" ? { ...account, does: "apply" as const } : account
  );
  return { ...plan, accounts };
}

/** Identifies a problem, though its line may have moved. */
const wordsOf = ({ path, message }: Problem) => `${path}: ${message}`;

function logProblems(problems: readonly Problem[], log: Log): void {
  for (const { severity, path, line, message, hint } of problems) {
    log[severity === "error" ? "error" : severity === "warning" ? "warn" : "info"](message, {
      key: path,
      line,
      hint,
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

/** A hash of the file's text, in which secrets are blanked. */
function revisionOf({ text = "" }: LoadedConfig): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
