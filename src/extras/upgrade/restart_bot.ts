/** Restarts the bot that runs the exchanged program, and waits until it has an event of Discord. */

import { realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { LockHolder } from "../../host/locks/lock.ts";
import { readLastVersion } from "../../host/files/version_record.ts";
import { printable } from "../../lib/text/quoted.ts";
import { holderOf, isHeld } from "../../cli/shared/running_bot.ts";
import { StartError } from "../../cli/shared/exit_code.ts";
import { createAsk } from "../../cli/shared/store_access.ts";
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
import type { Io } from "../../cli/terminal/io.ts";

export type Restarted =
  /** No bot runs with the data. */
  | { readonly kind: "none" }
  /** The bot runs the wanted version already: an earlier upgrade was cut before its restart. */
  | { readonly kind: "same" }
  /** The version runs. `ms`: milliseconds until its first event; absent if it had stored events before. */
  | { readonly kind: "accepted"; readonly ms?: number }
  /** A bot runs, and was not restarted. */
  | { readonly kind: "runs"; readonly why: string; readonly pid: number | undefined }
  /** It was restarted, and has accepted no event in time. */
  | { readonly kind: "late"; readonly isRunning: boolean };

/** A service of this machine that runs the program. */
export interface ActiveService {
  readonly target: ServiceTarget;
  readonly dataDir: string;
  readonly config: string;
}

/** Times of the wait in milliseconds. */
const TIMES = {
  stepMs: 50,
  /** For the old bot, which finishes its turns. */
  stopMs: 11 * 60_000,
  startMs: 90_000,
  /** Without any bot: a manager waits some seconds with the next one. */
  goneMs: 30_000,
};

const answerSchema = z.object({
  version: z.string(),
  program: z.string().optional(),
  why: z.string().optional(),
});

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
  return isActive ? { target, dataDir: layout.dataDir, config: layout.config } : undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // there is none
  }
}

/**
 * Restarts the bot with the program that is installed now, and waits for the outcome.
 *
 * @param version The version that is installed.
 */
export async function restartOnto(
  version: string,
  program: string,
  { dataDir, service }: {
    readonly dataDir: string;
    readonly service: ActiveService | undefined;
  },
  io: Io,
  machine: HostMachine,
): Promise<Restarted> {
  const before = { holder: holderOf(dataDir), version: readLastVersion(dataDir) };
  if (service) {
    const why = await restartService(service, machine);
    if (why !== undefined) return { kind: "runs", pid: before.holder?.pid, why: printable(why) };
  } else {
    const answer = await askToRestart(dataDir, program, version);
    if (answer !== "begun") return answer;
  }
  return await io.during(
    `Waiting for Barnacle ${version}`,
    waitForVersion(dataDir, version, before),
  );
}

/**
 * Restarts a service by its manager.
 *
 * @returns The manager's complaint; `undefined` if it restarts the service.
 */
export async function restartService(
  { target }: Pick<ActiveService, "target">,
  { run, uid }: HostMachine,
): Promise<string | undefined> {
  const { code, stderr } = target === "openrc"
    ? await run(["rc-service", "barnacle", "restart"])
    : target === "launchd"
    ? await run(["launchctl", "kickstart", "-k", `gui/${uid}/bot.barnacle`])
    : await run(systemctlOf(target, "restart", "--no-block", UNIT));
  return code === 0 ? undefined : stderr.trim() || `it ended with ${code}`;
}

async function askToRestart(
  dataDir: string,
  program: string,
  version: string,
): Promise<Restarted | "begun"> {
  const isFree = async () => await isHeld(dataDir) !== true;
  if (await isFree()) return { kind: "none" };
  const pid = holderOf(dataDir)?.pid;
  try {
    const { data } = answerSchema.safeParse(await createAsk(dataDir)("upgrade.restart", []));
    if (!data) return { kind: "runs", pid, why: "it is of another version" };
    if (data.program !== program) {
      return { kind: "runs", pid, why: `it runs ${data.program ?? "from source"}` };
    }
    if (data.why === undefined) return "begun";
    return data.version === version ? { kind: "same" } : { kind: "runs", pid, why: data.why };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return await isFree() ? { kind: "none" } : { kind: "runs", pid, why: error.message };
  }
}

/**
 * Waits for the outcome of a restart.
 *
 * @param before Before the restart: the holder of the data directory, and the version of the last event.
 */
export async function waitForVersion(
  dataDir: string,
  version: string,
  before: { readonly holder?: LockHolder; readonly version?: string },
  times: typeof TIMES = TIMES,
): Promise<Restarted> {
  const begin = performance.now();
  let startedAt: number | undefined;
  let goneAt: number | undefined;
  for (;;) {
    const now = performance.now();
    const holder = holderOf(dataDir);
    const isNew = holder !== undefined && !holder.isCommand &&
      holder.startedAt !== before.holder?.startedAt;
    const isRunning = await isHeld(dataDir) === true;
    if (isNew && isRunning) {
      startedAt ??= now;
      if (before.version === version) return { kind: "accepted" };
      if (readLastVersion(dataDir) === version) return { kind: "accepted", ms: now - begin };
    }
    goneAt = isRunning ? undefined : goneAt ?? now;
    const isLate = startedAt !== undefined && now - startedAt > times.startMs;
    const isGone = goneAt !== undefined && now - goneAt > times.goneMs;
    if (isLate || isGone || now - begin > times.stopMs) return { kind: "late", isRunning };
    await sleep(times.stepMs);
  }
}
