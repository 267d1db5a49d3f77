/**
 * Bench: replies for each second of CPU time with one, two and four processes of a bot (O16), which
 * divide four partitions. All share one core, so only their CPU time says something. The three fleets
 * run all the time, each with a Discord and a database of its own, and answer in turn.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BenchDatabase, withDatabases } from "../stand/database.ts";
import { cpuMsOf } from "../stand/proc.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import { least, median, type Readings } from "../stand/stats.ts";
import { sharing } from "./standby.ts";
import { measureBursts, warm } from "./throughput.ts";

const ROUNDS = 5;
const PARTITIONS = 4;
/** Of each guild; each partition has one guild. */
const ROOMS = 13;
const SIZES = [1, 2, 4] as const;
const LOOK_MS = 100;
/** A thousand replies are too few: the engine of each process still compiles after them. */
const WARM_TIMES = 4;
/** The tables and all copies catch up. */
const SETTLE_MS = 12_000;
const IDLE_MS = 15_000;
/** For dividing the partitions. */
const PATIENCE_MS = 180_000;

export function benchFleet(contender: Contender, isQuick: boolean): Promise<Readings> {
  return withDatabases(async (create) => {
    const rounds: Readings[][] = SIZES.map(() => []);
    const fleets: Fleet[] = [];
    try {
      for (const size of SIZES) fleets.push(await openFleet(contender, create(), size));
      for (let round = 0; round < (isQuick ? 1 : ROUNDS); round++) {
        for (const [index, { stand, pids, database, idleMsPerSec }] of fleets.entries()) {
          const run = await measureBursts(stand, pids, database.counts);
          const { replyCpuMs = NaN, repliesPerSec = NaN } = run;
          const busyCpuMs = replyCpuMs - idleMsPerSec / repliesPerSec;
          rounds[index]?.push({ ...run, idleMsPerSec, busyCpuMs });
        }
      }
    } finally {
      await Promise.all(fleets.map(({ stand }) => stand.close()));
    }
    const [one = [], two = [], four = []] = rounds;
    const of = (runs: readonly Readings[], figure = "replyCpuMs") =>
      runs.map((run) => run[figure] ?? NaN);
    const alone = of(one);
    const kept = (runs: readonly Readings[], figure?: string) =>
      median(of(runs, figure).map((ms, round) => 100 * (of(one, figure)[round] ?? NaN) / ms));
    const leastKept = (runs: readonly Readings[]) => 100 * least(alone) / least(of(runs));
    return {
      fleetOnePerCpuSec: 1_000 / median(alone),
      fleetTwoPerCpuSec: 1_000 / median(of(two)),
      fleetTwoKept: kept(two),
      fleetTwoLeastKept: leastKept(two),
      fleetFourPerCpuSec: 1_000 / median(of(four)),
      fleetFourKept: kept(four),
      fleetFourLeastKept: leastKept(four),
      fleetOneIdle: median(of(one, "idleMsPerSec")),
      fleetFourIdle: median(of(four, "idleMsPerSec")),
      fleetTwoBusyKept: kept(two, "busyCpuMs"),
      fleetFourBusyKept: kept(four, "busyCpuMs"),
      fleetOneServerCpuMs: median(of(one, "serverCpuMs")),
      fleetTwoServerCpuMs: median(of(two, "serverCpuMs")),
      fleetFourServerCpuMs: median(of(four, "serverCpuMs")),
      fleetOneTrips: median(of(one, "trips")),
      fleetFourTrips: median(of(four, "trips")),
      fleetFourCommits: median(of(four, "commits")),
    };
  });
}

/** Processes of one bot, which have divided its partitions. */
interface Fleet {
  readonly stand: Stand;
  readonly pids: readonly number[];
  readonly database: BenchDatabase;
  /** CPU time of all processes together in a second without any question. */
  readonly idleMsPerSec: number;
}

async function openFleet(
  contender: Contender,
  database: BenchDatabase,
  size: number,
): Promise<Fleet> {
  const options = { homes: PARTITIONS, rooms: ROOMS, isResumable: true };
  const stand = openStand(sharing(contender, database, PARTITIONS), options);
  try {
    const processes = Array.from({ length: size }, (_, index) => stand.beside(`process-${index}`));
    await divided(stand, database, size, () => processes.forEach((one) => one.assertRuns()));
    await warm(stand, WARM_TIMES * size);
    await sleep(SETTLE_MS);
    const pids = processes.map(({ pid }) => pid);
    const cpuMs = () => pids.reduce((sum, pid) => sum + cpuMsOf(pid), 0);
    const [before, at] = [cpuMs(), performance.now()];
    await sleep(IDLE_MS);
    const idleMsPerSec = 1_000 * (cpuMs() - before) / (performance.now() - at);
    return { stand, pids, database, idleMsPerSec };
  } catch (error) {
    await stand.close();
    throw error;
  }
}

/** Waits until each process runs equally many partitions. */
async function divided(
  stand: Stand,
  database: BenchDatabase,
  size: number,
  check: () => void,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    check();
    const owners = await database.owners();
    const held = owners.filter(({ endsInMs }) => endsInMs > 0);
    const places = Map.groupBy(held, ({ place }) => place);
    const isEven = [...places.values()].every(({ length }) => length === PARTITIONS / size);
    const isWhole = held.length === PARTITIONS && stand.discord.connected() === PARTITIONS;
    if (places.size === size && isEven && isWhole) return;
    if (performance.now() > deadline) {
      throw new Error(`${size} processes did not divide the partitions: ${JSON.stringify(owners)}`);
    }
    await sleep(LOOK_MS);
  }
}
