/** Upgrades the bot and goes back, while people talk, and kills the bot and the command meanwhile. */

import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { ended } from "../../support/bot/e2e.ts";
import { buildReleases, NEXT_SCHEMA } from "../../support/release/builds.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/** Places of the command at which a power cut may come. */
const STEPS = ["downloaded", "kept", "swapped"];
/** Places of the bot. */
const MOMENTS = ["before:T1", "after:T1", "after:T2", "after:T3", "after:T4", "posted", "answered"];

export const scenario = scenarioOf({
  name: "upgrades",
  summary: "upgrades and ways back with open turns, half of them killed: none lost, none doubled",
  long: { upgrades: 120 },
  short: { upgrades: 8 },
  async run({ seed, upgrades }) {
    using place = tempDirectory();
    const releases = buildReleases(join(place.path, "releases"), [
      { version: "1.0.0" },
      { version: "1.1.0", changes: [NEXT_SCHEMA], schema: 4 },
      { version: "1.2.0", changes: [NEXT_SCHEMA], schema: 4 },
    ]);
    mkdirSync(join(place.path, "bin"));
    const program = join(place.path, "bin", "barnacle");
    copyFileSync(releases.binary("1.0.0"), program);
    chmodSync(program, 0o755);
    const command = { program, args: [] };
    return await onStand(seed, { command }, async (stand) => {
      const { crowd, seeded, simulator } = stand;
      const seen = new Map<string, number>();
      let kills = 0;
      let cuts = 0;
      let done = 0;
      let resumed = 0;
      let longest = 0;
      let bot = await stand.start();
      crowd.ask();
      await crowd.quiesce(5_000);

      for (let round = 0; round < upgrades; round++) {
        const isCut = seeded.random() < 0.3;
        const isKilled = seeded.random() < 0.4;
        for (let people = seeded.upTo(4); people > 0; people--) crowd.ask();
        if (isKilled && seeded.random() < 0.5) bot = await again(bot, seeded.pick(MOMENTS));
        const last = longestGap(stand);
        const args = round === 0
          ? ["--to", "1.1.0"]
          : round % 2 === 1
          ? ["--to", "1.2.0"]
          : ["--back"];
        const ran = runUpgrade(args, isCut ? seeded.pick(STEPS) : undefined);
        crowd.ask();
        if (isKilled) {
          await sleep(seeded.upTo(900));
          bot.kill("SIGKILL");
          kills += 1;
        }
        crowd.ask();
        const { code, signal, lines } = await ran;
        if (signal === "SIGKILL") cuts += 1;
        const outcome = signal ?? `${code}`;
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (code === 0) done += 1;
        const gap = last();
        if (code === 0 && !isKilled && !lines.join().includes("No bot runs")) {
          longest = Math.max(longest, gap);
          resumed += 1;
        }
        const hasEnded = isKilled ||
          await Promise.race([bot.exited.then(() => true), sleep(0).then(() => false)]);
        if (hasEnded) bot = await again(bot);
        crowd.ask();
      }
      return {
        bot,
        facts: {
          upgrades,
          done,
          kills,
          cuts,
          ends: JSON.stringify(Object.fromEntries(seen)),
          withoutConnectionMs: Math.round(longest),
        },
        bounds: [
          ["most upgrades come to their end", done >= upgrades / 3],
          ["sessions are resumed", resumed === 0 || simulator.account().resumes.length > 0],
          ["an upgrade is without connection for 5 s at most", longest < 5_000],
        ],
      };

      async function again(old: SimulatedProcess, moment?: string): Promise<SimulatedProcess> {
        old.kill("SIGKILL");
        await ended(old);
        await stand.until("the closed connection", () => simulator.connected() === 0);
        return await stand.start(moment === undefined ? {} : { BARNACLE_CRASH_AT: `${moment}:5` });
      }

      async function runUpgrade(args: readonly string[], point: string | undefined) {
        const lines: string[] = [];
        const from = args.includes("--back") ? [] : ["--from", releases.folder];
        const child = startOwnProcess(command, [
          "upgrade",
          ...from,
          ...args,
          "--data",
          stand.dataDir,
        ], {
          PATH: process.env["PATH"],
          HOME: place.path,
          DISCORD_API_URL: simulator.apiUrl,
          BARNACLE_CRASH_AT: point,
        }, (line) => lines.push(line));
        return { ...await child.exited, lines };
      }
    });
  },
});

/** Measures the longest time without a connection from now on. */
function longestGap({ simulator }: { readonly simulator: { connected(): number } }): () => number {
  let longest = 0;
  let since: number | undefined;
  const timer = setInterval(() => {
    const now = performance.now();
    if (simulator.connected() > 0) since = undefined;
    else longest = Math.max(longest, now - (since ??= now));
  }, 5);
  return () => {
    clearInterval(timer);
    return longest;
  };
}
