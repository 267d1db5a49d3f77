/** The faults of the scenario `fleet`: of an owner with its standbys, and of processes with partitions. */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { PATIENCE_MS, type Scene } from "../../support/bot/e2e.ts";
import type { Seeded } from "../../support/seeded.ts";
import type { Postgres } from "../../support/store/postgres.ts";
import type { Ledger } from "../support/ledger.ts";
import { endOf, MEMBERS, type Members } from "./members.ts";
import type { converse, Place } from "./talk.ts";

/** Maximum time between two faults. */
const BETWEEN_MS = 3_000;
/** Maximum time without the database. A lease ends after ten seconds. */
const OUTAGE_MS = 5_000;
/** Maximum time of a suspended process beside others that work. */
const SUSPENDED_MS = 20_000;
/** Milliseconds that each fault of a kind took. */
export type Took = Readonly<Record<string, number[]>>;

/** Everything that faults need. */
export interface Faulty {
  readonly scene: Scene;
  readonly members: Members;
  readonly faults: number;
  readonly dice: Seeded;
}

const OF_OWNER = ["kill", "stop", "sleep"] as const;

/**
 * Ends or suspends the owner, or a standby, and waits for the next owner. A suspended owner wakes up
 * only after another process has taken over.
 *
 * @param others Percentage of faults of a process that stands by.
 */
export async function breakOwner(
  { scene: { until }, members, faults, dice }: Faulty,
  others: number,
): Promise<Took> {
  const took: Record<(typeof OF_OWNER)[number], number[]> = { kill: [], stop: [], sleep: [] };
  for (let count = 0; count < faults; count += 1) {
    await sleep(dice.upTo(BETWEEN_MS));
    const owner = await until("an owner", () => members.owner());
    const isOther = 100 * dice.random() < others;
    const name = isOther ? dice.pick(MEMBERS.filter((name) => name !== owner)) : owner;
    const fault = faults <= OF_OWNER.length + 1
      ? OF_OWNER[count % OF_OWNER.length] ?? "kill"
      : dice.pick(OF_OWNER);
    const victim = members.running.get(name);
    if (!victim?.pid) continue; // it is being started again
    const at = performance.now();
    members.leaving.add(victim);
    if (fault === "sleep") process.kill(victim.pid, "SIGSTOP");
    else victim.kill(fault === "kill" ? "SIGKILL" : "SIGTERM");
    if (name === owner) {
      await until("another owner", members.owner, PATIENCE_MS);
      took[fault].push(Math.round(performance.now() - at));
    } else await sleep(dice.upTo(BETWEEN_MS));
    if (fault === "sleep") {
      await sleep(dice.upTo(BETWEEN_MS));
      process.kill(victim.pid, "SIGCONT");
      if (name === owner) await endOf(name, victim);
      else members.leaving.delete(victim);
    }
  }
  return took;
}

/** Kills are the most frequent fault. A short run plays the first ones in this order. */
const OF_PARTITIONS = ["kill", "database", "stop", "kill", "sleep", "kill"] as const;

/**
 * Ends or suspends any process, and restarts the database, also several at once. After some faults,
 * each place must answer a new question; the time until then is what a fault took. If no fault meets
 * another one, the time until all partitions are online again is told, too.
 *
 * @param together Number of faults after which each place must have answered.
 */
export async function breakProcesses(
  { scene: { until, simulator }, members, faults, dice }: Faulty,
  { server, ledger, talk, places, partitions, together }: {
    readonly partitions: number;
    readonly together: number;
    readonly server: Postgres;
    readonly ledger: Ledger;
    readonly talk: ReturnType<typeof converse>;
    readonly places: readonly Place[];
  },
): Promise<Took> {
  const took: Record<(typeof OF_PARTITIONS)[number], number[]> = {
    kill: [],
    stop: [],
    sleep: [],
    database: [],
  };
  const online: Record<"kill" | "stop", number[]> = { kill: [], stop: [] };
  const suspended = new Set<Promise<void>>();

  async function suspend(pid: number, victim: { readonly exited: Promise<unknown> }) {
    process.kill(pid, "SIGSTOP");
    await Promise.race([sleep(dice.between(1_000, SUSPENDED_MS)), victim.exited]);
    process.kill(pid, "SIGCONT");
  }

  async function play(fault: (typeof OF_PARTITIONS)[number]): Promise<void> {
    if (fault === "database") {
      await server.stop(dice.pick(["SIGINT", "SIGQUIT"]));
      await sleep(dice.upTo(OUTAGE_MS));
      return await server.start();
    }
    const victim = await until("a process that runs", () => {
      const awake = [...members.running.values()].filter((one) => !members.leaving.has(one));
      return awake.length > 0 ? dice.pick(awake) : undefined;
    });
    if (!victim.pid) return;
    members.leaving.add(victim);
    if (fault !== "sleep") {
      const at = performance.now();
      victim.kill(fault === "kill" ? "SIGKILL" : "SIGTERM");
      if (together > 1) return;
      await victim.exited;
      await until("all partitions", () => simulator.connected() === partitions, 4 * PATIENCE_MS);
      online[fault].push(Math.round(performance.now() - at));
      return;
    }
    const sleeping = suspend(victim.pid, victim).finally(() => {
      members.leaving.delete(victim);
      suspended.delete(sleeping);
    });
    suspended.add(sleeping);
  }

  for (let count = 0; count < faults; count += 1) {
    await sleep(dice.upTo(BETWEEN_MS));
    const isShort = faults <= OF_PARTITIONS.length;
    const fault = (isShort ? OF_PARTITIONS[count] : undefined) ?? dice.pick(OF_PARTITIONS);
    const at = performance.now();
    await play(fault);
    if ((count + 1) % together !== 0 && count + 1 < faults) {
      took[fault].push(NaN);
      continue;
    }
    const asked = places.map(talk.ask);
    await until("an answer in each place", () => !asked.some(ledger.isOpen), 4 * PATIENCE_MS);
    took[fault].push(Math.round(performance.now() - at));
    if (together === 1) await Promise.all(suspended);
  }
  await Promise.all(suspended);
  return { ...took, ...(together === 1 && { killOnline: online.kill, stopOnline: online.stop }) };
}

/** Number of each kind, and the longest and the middle of the measured times. */
export function factsOf(took: Took): Record<string, number> {
  return Object.fromEntries(
    Object.entries(took).flatMap(([fault, times]) => {
      const sorted = times.filter((time) => !Number.isNaN(time)).sort((one, two) => one - two);
      const counted = [[`${fault}s`, times.length]] as const;
      const longest = sorted.at(-1);
      if (longest === undefined) return times.length > 0 ? counted : [];
      const middle = sorted[Math.floor(sorted.length / 2)] ?? longest;
      return [...counted, [`${fault}MedianMs`, middle], [`${fault}WorstMs`, longest]];
    }),
  );
}
