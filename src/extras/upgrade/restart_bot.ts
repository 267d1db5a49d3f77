/**
 * Restarts the bot that runs the exchanged program, and waits until the new version has accepted an
 * event, or has gone back.
 */

import { realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readVersionRecord } from "../../host/files/version_record.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import { StartError } from "../../cli/shared/exit_code.ts";
import { wayToOwner } from "../../cli/shared/find_data.ts";
import { createAsk, UnansweredError } from "../../cli/shared/store_access.ts";
import type { CallName } from "../../cli/shared/store_calls.ts";
import {
  chooseTarget,
  type HostMachine,
  layoutOf,
  managerFacts,
  type ServiceTarget,
  stateOf,
  systemctlOf,
  UNIT,
} from "../service/exports.ts";

/** The result of a restart. */
export type Restarted =
  /** No bot runs with the data. */
  | { readonly kind: "none" }
  /** The bot runs the wanted version already: an earlier upgrade was cut before its restart. */
  | { readonly kind: "same" }
  /** The new version has accepted an event. */
  | { readonly kind: "accepted"; readonly ms: number }
  /** The new version stands by: another process owns the store (O15). */
  | { readonly kind: "waits"; readonly ms: number }
  /** The new version could not start. `isBack`: the previous program is in its place again. */
  | { readonly kind: "failed"; readonly why: string }
  /** A bot runs, and was not restarted. */
  | { readonly kind: "runs"; readonly why: string; readonly pid: number | undefined }
  /** It was restarted, and has accepted no event in time. */
  | { readonly kind: "late"; readonly isRunning: boolean };

/** A service of this machine that runs the program. */
export interface ActiveService {
  readonly target: ServiceTarget;
  readonly dataDir: string;
}

/** Times of the wait in milliseconds. */
const TIMES = {
  stepMs: 50,
  /** For the old bot, which finishes its turns. */
  stopMs: 11 * 60_000,
  /** For the new one, from its start. */
  startMs: 90_000,
  /** Without any bot: a manager, or the watch of the old program, waits some seconds with the next. */
  goneMs: 30_000,
};

const answerSchema = z.object({
  version: z.string(),
  program: z.string().optional(),
  why: z.string().optional(),
});

/** Finds the active service that runs a program. */
export async function activeService(
  program: string,
  machine: HostMachine,
): Promise<ActiveService | undefined> {
  let target: ServiceTarget;
  try {
    target = chooseTarget(await managerFacts(machine));
  } catch (error) {
    if (error instanceof StartError) return undefined; // there is no service manager
    throw error;
  }
  const layout = layoutOf(target, { home: machine.home, program });
  if (realPath(layout.program) !== program) return undefined;
  const { isActive } = await stateOf(target, machine);
  return isActive ? { target, dataDir: layout.dataDir } : undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // there is none
  }
}

/**
 * Restarts a service by its manager.
 *
 * @returns The manager's complaint; `undefined` if it restarts the service.
 */
export async function restartService(
  { target }: ActiveService,
  { run, uid }: HostMachine,
): Promise<string | undefined> {
  const { code, stderr } = target === "openrc"
    ? await run(["rc-service", "barnacle", "restart"])
    : target === "launchd"
    ? await run(["launchctl", "kickstart", "-k", `gui/${uid}/bot.barnacle`])
    : await run(systemctlOf(target, "restart", "--no-block", UNIT));
  return code === 0 ? undefined : stderr.trim() || `it ended with ${code}`;
}

/**
 * Asks the bot with the data to restart, by its socket.
 *
 * @param version The version that is to run.
 */
export async function askToRestart(
  dataDir: string,
  program: string,
  call: Extract<CallName, `upgrade.${string}`>,
  version: string,
): Promise<Restarted | "begun"> {
  if (await isHeld(dataDir) !== true) return { kind: "none" };
  const pid = holderOf(dataDir)?.pid;
  try {
    const { data } = answerSchema.safeParse(await askWhenReady(dataDir, call));
    if (!data) return { kind: "runs", pid, why: "it is of another version" };
    if (data.program !== program) {
      return { kind: "runs", pid, why: `it runs ${data.program ?? "from source"}` };
    }
    if (data.why === undefined) return "begun";
    return data.version === version ? { kind: "same" } : { kind: "runs", pid, why: data.why };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    if (await isHeld(dataDir) !== true) return { kind: "none" };
    return { kind: "runs", pid, why: error.message };
  }
}

/** Milliseconds for a bot that starts or ends. */
const READY_MS = 15_000;

/** Asks again while the bot takes no commands yet. */
async function askWhenReady(dataDir: string, call: CallName): Promise<unknown> {
  const ask = createAsk(dataDir);
  for (const until = performance.now() + READY_MS;;) {
    try {
      return await ask(call, []);
    } catch (error) {
      const isEarly = error instanceof UnansweredError && !error.isLost;
      if (!isEarly || performance.now() > until || await isHeld(dataDir) !== true) throw error;
      await sleep(TIMES.stepMs);
    }
  }
}

/**
 * Waits for the outcome of a restart.
 *
 * @param version The version that is to start.
 * @param before The holder of the data directory before the restart.
 * @param since When the restart was asked for.
 */
export async function waitForVersion(
  dataDir: string,
  version: string,
  before: ReturnType<typeof holderOf>,
  since: number,
  times: typeof TIMES = TIMES,
): Promise<Restarted> {
  const begin = performance.now();
  let startedAt: number | undefined;
  let goneAt: number | undefined;
  for (;;) {
    const { accepted, trial, failed } = readVersionRecord(dataDir);
    const now = performance.now();
    if (failed?.version === version && failed.at >= since) {
      return { kind: "failed", why: failed.why };
    }
    const holder = holderOf(dataDir);
    const isNew = holder !== undefined && !holder.isCommand &&
      holder.startedAt !== before?.startedAt;
    const isRunning = await isHeld(dataDir) === true;
    if (accepted === version && !trial && isNew) return { kind: "accepted", ms: now - begin };
    if (isNew && isRunning) startedAt ??= now;
    if (startedAt !== undefined && isRunning && wayToOwner(dataDir) !== undefined) {
      return { kind: "waits", ms: performance.now() - begin };
    }
    goneAt = isRunning ? undefined : goneAt ?? now;
    const isLate = startedAt !== undefined && now - startedAt > times.startMs;
    const isGone = goneAt !== undefined && now - goneAt > times.goneMs;
    if (isLate || isGone || now - begin > times.stopMs) return { kind: "late", isRunning };
    await sleep(times.stepMs);
  }
}
