/**
 * Measures Barnacle beside three bots that do the same job and store nothing (`deno task bench`):
 * discord.js, bare discordeno, and a bot without any library, the floor. Replies and ignored messages
 * are also measured beside two bots with the same promise: discord.js and the floor, each with the
 * least store that keeps it.
 *
 * Each bench measures all bots before the next one begins, and the rounds repeat all benches. So
 * other load on the machine affects all of them. It prints the medians of the rounds. It asserts
 * nothing, because a neighbour can spoil any figure.
 *
 * `--quick` is one round with shorter waits; `--only start,latency` chooses benches; `--binary
 * path` takes an existing Barnacle. `million-rows` and `backup` take minutes and 2 GB of disk,
 * Both run only if `--only` names them.
 */

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { cpus, release } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { benchActions } from "./process/actions.ts";
import { benchAdmit } from "./parts/admit.ts";
import { benchRoute } from "./parts/route.ts";
import { benchAgent } from "./replies/agent.ts";
import { benchChatter, benchFloods } from "./process/chatter.ts";
import { benchChunker } from "./parts/chunker.ts";
import { benchBackup } from "./replies/backup.ts";
import { benchCommands } from "./replies/commands.ts";
import { benchConnection } from "./process/connection.ts";
import { contendersOf, nodeVersion, prepareContenders } from "./stand/contenders.ts";
import { pinBench } from "./stand/cores.ts";
import { benchDashboard } from "./process/dashboard.ts";
import { benchDisk } from "./parts/disk.ts";
import { benchHeartbeat } from "./process/heartbeat.ts";
import { benchHooks } from "./replies/hooks.ts";
import { benchIdle } from "./process/idle.ts";
import { benchJourney } from "./replies/journey.ts";
import { benchLarge } from "./process/large.ts";
import { benchLatency } from "./replies/latency.ts";
import { benchMillionRows } from "./replies/million_rows.ts";
import { benchOneChannel } from "./replies/one_channel.ts";
import { benchOutbox } from "./parts/outbox.ts";
import { benchParked } from "./process/parked.ts";
import { benchRateLimits } from "./replies/rate_limits.ts";
import { benchReload } from "./parts/reload.ts";
import { benchRights } from "./parts/rights.ts";
import { benchResume } from "./process/resume.ts";
import { benchSize } from "./parts/size.ts";
import type { Contender } from "./stand/stand.ts";
import { benchStrangers } from "./replies/strangers.ts";
import { benchStart } from "./process/start.ts";
import { medianOf, type Readings } from "./stand/stats.ts";
import { millionRowsTable, promiseTable, tableOf } from "./stand/table.ts";
import { benchThroughput } from "./replies/throughput.ts";
import { benchUnused } from "./process/unused.ts";
import { benchVoice } from "./process/voice.ts";

type Bench = (contender: Contender, isQuick: boolean) => Promise<Readings>;

const BENCHES: Readonly<Record<string, Bench>> = {
  start: benchStart,
  latency: benchLatency,
  throughput: benchThroughput,
  "one-channel": benchOneChannel,
  unused: benchUnused,
  chatter: benchChatter,
  floods: benchFloods,
  idle: benchIdle,
  large: benchLarge,
  resume: benchResume,
  heartbeat: benchHeartbeat,
  commands: benchCommands,
  hooks: benchHooks,
  agent: benchAgent,
  parked: benchParked,
  dashboard: benchDashboard,
  voice: benchVoice,
  rights: benchActions,
  "rate-limits": benchRateLimits,
  strangers: benchStrangers,
  connection: benchConnection,
  journey: benchJourney,
  "million-rows": benchMillionRows,
  backup: benchBackup,
};
/** Parts of Barnacle alone, without a bot around them. */
const PARTS: Readonly<Record<string, () => Readings>> = {
  outbox: benchOutbox,
  chunker: benchChunker,
  admit: benchAdmit,
  route: benchRoute,
  rights: benchRights,
  reload: benchReload,
};
/** Waits, counts, and benches with rounds of their own, which take minutes. */
const ONCE = new Set([
  "floods",
  "idle",
  "large",
  "voice",
  "resume",
  "rate-limits",
  "strangers",
  "connection",
  "journey",
  "million-rows",
  "backup",
]);
/** Measured only if `--only` names it. */
const ON_REQUEST = new Set(["million-rows", "backup"]);
const ROUNDS = 3;
/** A copy, so that a later compilation does not change the measured binary. */
const BINARY = "dist/barnacle-bench";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    binary: { type: "string" },
  },
});
const binary = flags.binary ?? compile();
const node = nodeVersion();
const contenders = prepareContenders(binary, node);
const only = flags.only?.split(",");
const isWanted = (name: string): boolean => only?.includes(name) ?? !ON_REQUEST.has(name);
const chosen = Object.entries(BENCHES).filter(([name]) => isWanted(name));

const pinned = pinBench(); // after compiling, which may use every core
const startedAt = performance.now();
const readings = new Map<Contender | undefined, Readings[]>(
  Object.values(contenders).map((contender) => [contender, []]),
);
const disk: Readings[] = [];
for (let round = 1; round <= (flags.quick ? 1 : ROUNDS); round++) {
  disk.push(benchDisk());
  for (const [name, bench] of chosen) {
    if (round > 1 && ONCE.has(name)) continue;
    for (const contender of contendersOf(name, contenders)) {
      console.error(`round ${round}: ${name}, ${contender.name}`);
      readings.get(contender)?.push(await bench(contender, flags.quick));
    }
  }
  for (const [name, bench] of Object.entries(PARTS)) {
    if (!isWanted(name)) continue;
    console.error(`round ${round}: ${name}`);
    readings.get(contenders.barnacle)?.push(bench());
  }
}
if (isWanted("size")) readings.get(contenders.barnacle)?.push(benchSize(binary));

const readingsOf = (contender: Contender | undefined): Readings =>
  medianOf(readings.get(contender) ?? []);
const ours = readingsOf(contenders.barnacle);
console.log(tableOf({
  ours,
  discordJs: readingsOf(contenders.discordJs),
  discordeno: readingsOf(contenders.discordeno),
  floor: readingsOf(contenders.floor),
  disk: medianOf(disk),
}));
const promise = promiseTable({
  ours,
  discordJs: readingsOf(contenders.discordJsStore),
  floor: readingsOf(contenders.floorStore),
});
if (promise) console.log(`\n${promise}`);
const millionRows = millionRowsTable(ours);
if (millionRows) console.log(`\n${millionRows}`);
console.log(
  `\n${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}; ` +
    `node ${node ?? "is not there, so discord.js was not measured"}; ${pinned}; ` +
    `${Math.round((performance.now() - startedAt) / 1_000)} s`,
);
process.exit(0); // the runtime keeps a pool of connections

function compile(): string {
  execFileSync(process.execPath, ["run", "-A", "--quiet", "scripts/compile.ts", "host"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  copyFileSync("dist/barnacle", BINARY);
  execFileSync("sync", [BINARY]); // or the file's own pages would count as dirty memory
  return BINARY;
}
