/**
 * Bench: replies for each second of CPU time with one, two and four processes of a bot (O16), which
 * divide four partitions. All share one core, so only their CPU time says something.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type BenchDatabase, withDatabases } from "../stand/database.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import { least, median, type Readings } from "../stand/stats.ts";
import { sharing } from "./standby.ts";
import { measureBursts } from "./throughput.ts";

const ROUNDS = 5;
const PARTITIONS = 4;
/** Of each guild; each partition has one guild. */
const ROOMS = 13;
const SIZES = [1, 2, 4] as const;
const LOOK_MS = 100;
/** For dividing the partitions. */
const PATIENCE_MS = 180_000;
/** Copies catch up, and new processes have compiled their first code. */
const SETTLE_MS = 3_000;

export function benchFleet(contender: Contender, isQuick: boolean): Promise<Readings> {
  return withDatabases(async (create) => {
    const rounds: Readings[][] = SIZES.map(() => []);
    for (let round = 0; round < (isQuick ? 1 : ROUNDS); round++) {
      for (const [index, size] of SIZES.entries()) {
        rounds[index]?.push(await measureFleet(contender, create(), size));
      }
    }
    const [one = [], two = [], four = []] = rounds;
    const of = (runs: readonly Readings[], figure = "replyCpuMs") =>
      runs.map((run) => run[figure] ?? NaN);
    const alone = of(one);
    const kept = (runs: readonly Readings[]) =>
      median(of(runs).map((ms, round) => 100 * (alone[round] ?? NaN) / ms));
    const leastKept = (runs: readonly Readings[]) => 100 * least(alone) / least(of(runs));
    return {
      fleetOnePerCpuSec: 1_000 / median(alone),
      fleetTwoPerCpuSec: 1_000 / median(of(two)),
      fleetTwoKept: kept(two),
      fleetTwoLeastKept: leastKept(two),
      fleetFourPerCpuSec: 1_000 / median(of(four)),
      fleetFourKept: kept(four),
      fleetFourLeastKept: leastKept(four),
      fleetOneServerCpuMs: median(of(one, "serverCpuMs")),
      fleetTwoServerCpuMs: median(of(two, "serverCpuMs")),
      fleetFourServerCpuMs: median(of(four, "serverCpuMs")),
      fleetOneTrips: median(of(one, "trips")),
      fleetFourTrips: median(of(four, "trips")),
      fleetFourCommits: median(of(four, "commits")),
    };
  });
}

async function measureFleet(
  contender: Contender,
  database: BenchDatabase,
  size: number,
): Promise<Readings> {
  const options = { homes: PARTITIONS, rooms: ROOMS, isResumable: true };
  const stand = openStand(sharing(contender, database, PARTITIONS), options);
  try {
    const processes = Array.from({ length: size }, (_, index) => stand.beside(`process-${index}`));
    await divided(stand, database, size, () => processes.forEach((one) => one.assertRuns()));
    await sleep(SETTLE_MS);
    return await measureBursts(stand, processes.map(({ pid }) => pid), database.counts);
  } finally {
    await stand.close();
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
