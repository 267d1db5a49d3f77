/**
 * Measures Barnacle beside a bot with discord.js that does the same job and stores nothing
 * (`deno task bench`).
 *
 * Each bench measures both bots before the next one begins, and the rounds repeat all benches. So
 * other load on the machine affects both. It prints the medians of the rounds. It asserts nothing,
 * because a neighbour can spoil any figure.
 *
 * `--quick` is one round with shorter waits; `--only start,latency` chooses benches; `--binary
 * path` takes an existing Barnacle.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { cpus, release } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchAdmit } from "./admit.ts";
import { pinBench } from "./cores.ts";
import { benchHeartbeat } from "./heartbeat.ts";
import { benchIdle } from "./idle.ts";
import { benchLatency } from "./latency.ts";
import type { Contender } from "./stand.ts";
import { benchStart } from "./start.ts";
import { medianOf, type Readings } from "./stats.ts";
import { benchThroughput } from "./throughput.ts";

const BENCHES = {
  start: benchStart,
  latency: benchLatency,
  throughput: benchThroughput,
  idle: benchIdle,
  heartbeat: benchHeartbeat,
};
const ROUNDS = 3;
/** A copy, so that a later compilation does not change the measured binary. */
const BINARY = "dist/barnacle-bench";

/** Figure, its label, its digits, and its bar in docs/specification/performance.md. */
const ROWS: readonly (readonly [string, string, number, string?])[] = [
  ["freshIdentifyMs", "start → IDENTIFY, fresh data, one core, ms", 0],
  ["freshReplyMs", "start → first reply, fresh data, one core, ms", 0],
  ["freshIdentifyCpuMs", "… CPU time to IDENTIFY, ms", 0],
  ["freshReplyCpuMs", "… CPU time to the first reply, ms", 0],
  ["warmIdentifyMs", "start → IDENTIFY, warm, one core, ms", 0],
  ["warmReplyMs", "start → first reply, warm, one core, ms", 0],
  ["warmTwoIdentifyMs", "start → IDENTIFY, warm, two cores, ms", 0, "B9 ≤ 60, ≤ 0.16 ×"],
  ["warmTwoReplyMs", "start → first reply, warm, two cores, ms", 0, "B9 ≤ 80"],
  ["toModelP50", "message → model, p50, ms", 2, "B1 ≤ 0.7, ≤ 0.5 ×"],
  ["toModelP99", "message → model, p99, ms", 2],
  ["toPostP50", "model → POST, p50, ms", 2, "B2 ≤ one fsync + 0.4"],
  ["toPostP99", "model → POST, p99, ms", 2],
  ["syncMs", "… one fsync of 4 KiB, p50, ms", 2],
  ["replyCpuMs", "CPU per reply, ms", 3, "B3 ≤ 0.35, ≤ 0.6 ×"],
  ["repliesPerSec", "replies per second, 50 channels", 0, "B3 ≥ 2 ×"],
  ["benchCpuMs", "… the bench's own CPU per reply, ms", 3],
  ["idleRssMib", "idle RSS before any reply, MiB", 1],
  ["idleDirtyMib", "… private dirty, MiB", 1],
  ["repliedRssMib", "idle RSS after one reply, MiB", 1, "B6 ≤ 55, ≤ 0.7 ×"],
  ["repliedDirtyMib", "… private dirty, MiB", 1, "B6 ≤ 20"],
  ["idleCpuMs", "idle: CPU a minute, ms", 0, "B12 ≤ 40"],
  ["idleWrites", "idle: disk writes a minute", 1],
  ["burnBeatMs", "heartbeat delay in a 3 s burn, ms", 0, "B10 ≤ 50"],
  ["admitP50", "admit, 100 guilds × 100 channels × 1,000 entries, p50, µs", 2, "≤ 5"],
  ["admitP99", "… p99 of means over 100 messages, µs", 1],
];

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    binary: { type: "string" },
  },
});
const node = spawnSync("node", ["--version"], { encoding: "utf8" }).stdout?.trim();
const barnacle: Contender = {
  name: "Barnacle",
  command: { program: flags.binary ?? compile(), args: [] },
  isBarnacle: true,
};
const peer = fileURLToPath(new URL("discord_js_bot.mjs", import.meta.url));
const discordJs: Contender = {
  name: "discord.js",
  command: { program: "node", args: [peer] },
  isBarnacle: false,
};
const only = flags.only?.split(",");
const isWanted = (name: string): boolean => only?.includes(name) ?? true;

const pinned = pinBench(); // after compiling, which may use every core
const startedAt = performance.now();
const readings = new Map<Contender, Readings[]>([[barnacle, []]]);
if (node) readings.set(discordJs, []);
for (let round = 1; round <= (flags.quick ? 1 : ROUNDS); round++) {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (!isWanted(name) || (round > 1 && name === "idle")) continue; // it waits for minutes
    for (const [contender, found] of readings) {
      console.error(`round ${round}: ${name}, ${contender.name}`);
      found.push(await bench(contender, flags.quick));
    }
  }
  if (isWanted("admit")) readings.get(barnacle)?.push(benchAdmit());
}

const ours = medianOf(readings.get(barnacle) ?? []);
const theirs = medianOf(readings.get(discordJs) ?? []);
const shown = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "";
const ratioOf = (figure: string): string => {
  const [own, other] = [ours[figure], theirs[figure]];
  return own === undefined || !other ? "" : `${(own / other).toFixed(2)} ×`; // none of zero
};
console.log("| | Barnacle | discord.js | ratio | bar |\n|---|--:|--:|--:|---|");
for (const [figure, label, digits, bar = ""] of ROWS) {
  if (!(figure in ours)) continue;
  const cells = [label, shown(ours[figure], digits), shown(theirs[figure], digits)];
  console.log(`| ${[...cells, ratioOf(figure), bar].join(" | ")} |`);
}
console.log(
  `\n${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}; ` +
    `node ${node || "is not there, so discord.js was not measured"}; ${pinned}; ` +
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
