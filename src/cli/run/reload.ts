/**
 * Reads the config again, and has the bot go by it (C9).
 *
 * It is all or nothing: a file that is not valid, or that asks for something that cannot be had,
 * changes nothing, and health says so until it is mended. Whatever is in the file, this ends
 * nothing.
 *
 * @module
 */

import { type Change, planReload, type ReloadPlan } from "../../config/changes.ts";
import type { Loaded, LoadedConfig } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Log } from "../../lib/log.ts";

export interface ReloadPorts {
  /** Finds, reads and checks the file again. */
  readonly read: () => Promise<Loaded>;
  readonly running: LoadedConfig;
  /**
   * Has the bot go by it.
   *
   * @returns What stands in the way; then nothing has changed.
   */
  readonly apply: (loaded: LoadedConfig, plan: ReloadPlan) => Promise<readonly Problem[]>;
  /** The file on the disk is the config that runs, or why it is not. */
  readonly onState: (problem: string | undefined) => void;
  /** For the service manager, before and after. */
  readonly onBegin: () => void;
  readonly onEnd: () => void;
  readonly log: Log;
}

/** Changes that are told one by one, at most. */
const MAX_TOLD = 50;

/** Reads the config again; a call while one is under way makes it read once more. */
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

/** @returns The config that runs from now on. */
async function readOnce(running: LoadedConfig, ports: ReloadPorts): Promise<LoadedConfig> {
  const { read, apply, onState, log } = ports;
  try {
    const loaded = await read();
    sayProblems(loaded.problems, log);
    if (loaded.kind === "refused") return refuse(running, loaded.problems, ports);
    const plan = planReload(running, loaded);
    const isSame = plan.changes.length === 0;
    sayChanges(plan.changes, log);
    const isSameText = loaded.text === running.text;
    const inTheWay = isSame && isSameText
      ? []
      : await apply(loaded, isSameText ? plan : inOtherLines(plan));
    if (inTheWay.length > 0) {
      sayProblems(inTheWay, log);
      return refuse(running, inTheWay, ports);
    }
    onState(undefined);
    if (isSame) log.info("The config was read again: it is valid, and as it was");
    else sayApplied(plan, log);
    return loaded;
  } catch (error) {
    log.error("The config cannot be read again; the one that runs stays", { error });
    onState("it cannot be read");
    return running;
  }
}

/** An account's rules may be what they were, and stand in other lines: `barnacle why` names those. */
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
  log.error("The config as it is now cannot be used, and changes nothing; the one that runs stays");
  return running;
}

function sayProblems(problems: readonly Problem[], log: Log): void {
  for (const { severity, path, line, message, hint } of problems) {
    log[severity === "error" ? "error" : severity === "warning" ? "warn" : "info"](message, {
      key: path,
      ...(line !== undefined && { line }),
      ...(hint !== undefined && { hint }),
    });
  }
}

function sayChanges(changes: readonly Change[], log: Log): void {
  for (const { path, from, to, takesEffect } of changes.slice(0, MAX_TOLD)) {
    log.info("The config has changed", {
      key: path,
      from: from ?? "(not written)",
      to: to ?? "(not written)",
      takesEffect,
    });
  }
  const rest = changes.length - MAX_TOLD;
  if (rest > 0) log.info("The config has changed in more places", { more: rest });
}

function sayApplied({ changes, accounts }: ReloadPlan, log: Log): void {
  const reconnected = accounts.filter(({ does }) => does !== "keep" && does !== "apply")
    .map(({ accountId, does }) => `${accountId} (${does === "restart" ? "reconnects" : does})`);
  const later = changes.filter(({ takesEffect }) => takesEffect === "restart")
    .map(({ path }) => path);
  log.info("The config applies", {
    changes: changes.length,
    ...(reconnected.length > 0 && { accounts: reconnected.join(", ") }),
    ...(later.length > 0 && { atTheNextStart: later.slice(0, MAX_TOLD).join(", ") }),
  });
}
