/**
 * Bench: replies of a bot whose store is also kept in PostgreSQL on the same machine (O15), beside the
 * same bot without it. Both run all the time, and answer in turn.
 *
 * Bursts say what a reply costs a busy bot, whose replies share commits. Questions that come alone say
 * how many commits and round trips a reply needs at most.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BenchDatabase, withDatabases } from "../stand/database.ts";
import { type Contender, openStand } from "../stand/stand.ts";
import { least, median, type Readings } from "../stand/stats.ts";
import { measureBursts, warm } from "./throughput.ts";

const ROUNDS = 5;
/** Questions that come alone. */
const ALONE = 20;
/** Longer than the tables lag behind the journal, and shorter than the lease goes without renewal. */
const PAUSE_MS = 1_500;
/** PostgreSQL counts a statement a second later at most. */
const COUNTED_MS = 2_000;

export function benchStandby(contender: Contender, isQuick: boolean): Promise<Readings> {
  return withDatabases(async (create) => {
    const database = create();
    const stand = openStand(contender);
    const sharingStand = openStand(sharing(contender, database));
    const own: Readings[] = [];
    const shared: Readings[] = [];
    try {
      const [{ pid }, { pid: sharingPid }] = [await stand.start(), await sharingStand.start()];
      await warm(stand);
      await warm(sharingStand);
      for (let round = 0; round < (isQuick ? 1 : ROUNDS); round++) {
        own.push(await measureBursts(stand, [pid]));
        shared.push(await measureBursts(sharingStand, [sharingPid], database.counts));
      }
    } finally {
      await Promise.all([stand.close(), sharingStand.close()]);
    }
    const of = (rounds: readonly Readings[], figure: string) =>
      rounds.map((round) => round[figure] ?? NaN);
    const cpu = of(shared, "replyCpuMs");
    const ownCpu = of(own, "replyCpuMs");
    const middle = (figure: string) => median(of(shared, figure));
    return {
      sharedCpuMs: median(cpu),
      sharedOwnCpuMs: median(ownCpu),
      sharedTimes: median(cpu.map((ms, round) => ms / (ownCpu[round] ?? NaN))),
      sharedLeastTimes: least(cpu) / least(ownCpu),
      sharedServerCpuMs: middle("serverCpuMs"),
      sharedCommits: middle("commits"),
      sharedTrips: middle("trips"),
      sharedKb: middle("logBytes") / 1_000,
      sharedPerSec: middle("repliesPerSec"),
      sharedOwnPerSec: median(of(own, "repliesPerSec")),
      ...await measureAlone(contender, create()),
    };
  });
}

export function sharing(contender: Contender, { url }: BenchDatabase): Contender {
  return { ...contender, config: { ...contender.config, store: { url } } };
}

/** One question at a time, each after all work of the one before has ended. */
async function measureAlone(contender: Contender, database: BenchDatabase): Promise<Readings> {
  const stand = openStand(sharing(contender, database));
  try {
    await stand.start();
    const ask = async (times: number) => {
      for (let asked = 0; asked < times; asked++) {
        stand.forget();
        stand.ask("general");
        await stand.posts(1);
        await sleep(PAUSE_MS);
      }
    };
    await ask(2);
    await sleep(COUNTED_MS);
    const before = await database.counts();
    await ask(ALONE);
    await sleep(COUNTED_MS);
    const after = await database.counts();
    const grown = (figure: string) => ((after[figure] ?? NaN) - (before[figure] ?? NaN)) / ALONE;
    return { aloneCommits: grown("commits"), aloneTrips: grown("trips") };
  } finally {
    await stand.close();
  }
}
