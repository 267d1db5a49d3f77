/**
 * `deno task bench`: Barnacle beside a minimal discord.js bot, in one run; where Discord's limits
 * hold, beside one with discordeno's own limiter as well.
 *
 * Each bench measures all before the next one begins, and the rounds repeat
 * all of it, so that what the machine does besides falls on all. Medians of the
 * rounds are printed; nothing is asserted, for a neighbour can spoil any figure.
 *
 * `--quick` is one round, and shorter waits; `--only start,latency` are those benches; `--binary
 * path` is a Barnacle that is there already.
 *
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { benchChatter } from "./chatter.ts";
import { benchAdmit } from "./admit.ts";
import { benchChunker } from "./chunker.ts";
import { benchConnection } from "./connection.ts";
import { pinBench } from "./cores.ts";
import { benchDisk } from "./disk.ts";
import { benchHeartbeat } from "./heartbeat.ts";
import { benchLatency } from "./latency.ts";
import { benchOneChannel } from "./one_channel.ts";
import { benchOutbox } from "./outbox.ts";
import { benchRateLimits } from "./rate_limits.ts";
import { benchReload } from "./reload.ts";
import { benchSize } from "./size.ts";
import type { Contender } from "./stand.ts";
import { benchStart } from "./start.ts";
import { medianOf, type Readings } from "./stats.ts";
import { tableOf } from "./table.ts";
import { benchThroughput } from "./throughput.ts";
import { benchUnused } from "./unused.ts";

const BENCHES = {
  start: benchStart,
  latency: benchLatency,
  throughput: benchThroughput,
  "one-channel": benchOneChannel,
  unused: benchUnused,
  chatter: benchChatter,
  heartbeat: benchHeartbeat,
  "rate-limits": benchRateLimits,
  connection: benchConnection,
};
/** Parts of Barnacle alone, without a bot around them. */
const PARTS: Readonly<Record<string, () => Readings>> = {
  outbox: benchOutbox,
  chunker: benchChunker,
  admit: benchAdmit,
  reload: benchReload,
};
/** Waits and counts, which do not change from round to round, and take minutes. */
const ONCE = new Set(["rate-limits", "connection"]);
const ROUNDS = 3;
/** A copy, so that compiling anew does not change what is measured half-way. */
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
const barnacle: Contender = {
  name: "Barnacle",
  command: { program: binary, args: [] },
  isBarnacle: true,
};
const discordJs: Contender = {
  name: "discord.js",
  command: {
    program: "node",
    args: [fileURLToPath(new URL("peers/discord_js_bot.mjs", import.meta.url))],
  },
  isBarnacle: false,
};
/** What Barnacle's scheduler stands in place of, where that matters. */
const discordeno: Contender = {
  name: "discordeno",
  command: {
    program: join("node_modules", ".bin", "bun"),
    args: [fileURLToPath(new URL("peers/discordeno_bot.mjs", import.meta.url))],
  },
  isBarnacle: false,
};
const contenders = node === undefined ? [barnacle] : [barnacle, discordJs];
const contendersOf = (name: string): readonly Contender[] =>
  name === "rate-limits" ? [...contenders, discordeno] : contenders;
const isWanted = (name: string): boolean =>
  flags.only === undefined || flags.only.split(",").includes(name);
const chosen = Object.entries(BENCHES).filter(([name]) => isWanted(name));

const pinned = pinBench(); // after compiling, which may use every core
const startedAt = performance.now();
const found = new Map<Contender, Readings[]>(
  [...contenders, discordeno].map((contender) => [contender, []]),
);
const disk: Readings[] = [];
for (let round = 1; round <= (flags.quick ? 1 : ROUNDS); round++) {
  disk.push(benchDisk());
  for (const [name, bench] of chosen) {
    if (round > 1 && ONCE.has(name)) continue;
    for (const contender of contendersOf(name)) {
      console.error(`round ${round}: ${name}, ${contender.name}`);
      found.get(contender)?.push(await bench(contender, flags.quick));
    }
  }
  for (const [name, bench] of Object.entries(PARTS)) {
    if (!isWanted(name)) continue;
    console.error(`round ${round}: ${name}`);
    found.get(barnacle)?.push(bench());
  }
}
if (isWanted("size")) found.get(barnacle)?.push(benchSize(binary));

const readingsOf = (contender: Contender): Readings => medianOf(found.get(contender) ?? []);
console.log(tableOf({
  ours: readingsOf(barnacle),
  discordJs: readingsOf(discordJs),
  discordeno: readingsOf(discordeno),
  disk: medianOf(disk),
}));
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

function nodeVersion(): string | undefined {
  const { status, stdout } = spawnSync("node", ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
