/**
 * Upgrades the bot and goes back, while people talk, and kills the bot and the command meanwhile. One
 * new version migrates the store and dies before its first event, so the store goes back, too.
 */

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { ended } from "../../support/bot/e2e.ts";
import { buildReleases, FAULTS, NEXT_SCHEMA, SCHEMA } from "../../support/release/builds.ts";
import type { Env } from "../../../src/lib/env.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/** Places of the command at which a power cut may come; of a way back with the store. */
const STEPS = ["downloaded", "kept", "swapped"];
const BACK_STEPS = ["putBack", "wentBack"];
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
      { version: "1.1.0" },
      { version: "1.2.0", changes: [NEXT_SCHEMA, FAULTS], schema: SCHEMA.next },
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
      let returns = 0;
      let stuck = 0;
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
        if (seeded.random() < 0.25) {
          await failAndReturn(isCut);
          continue;
        }
        if (isKilled && seeded.random() < 0.5) {
          bot = await again(bot, { BARNACLE_CRASH_AT: `${seeded.pick(MOMENTS)}:5` });
        }
        const last = longestGap(stand);
        const args = round % 2 === 0
          ? ["--to", "1.1.0"]
          : existsSync(`${program}.previous`)
          ? ["--back"]
          : ["--to", "1.0.0"];
        const ran = runUpgrade(args, isCut ? seeded.pick(STEPS) : undefined);
        crowd.ask();
        if (isKilled) {
          await sleep(seeded.upTo(900));
          killBot();
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
        if (simulator.connected() === 0) bot = await again(bot);
        crowd.ask();
      }
      bot = await again(bot);
      return {
        bot,
        facts: {
          upgrades,
          done,
          kills,
          returns,
          cuts,
          ends: JSON.stringify(Object.fromEntries(seen)),
          withoutConnectionMs: Math.round(longest),
        },
        bounds: [
          ["most upgrades come to their end", done + returns >= upgrades / 3],
          ["each way back comes to its end", stuck === 0],
          ["sessions are resumed", resumed === 0 || simulator.account().resumes.length > 0],
          ["an upgrade is without connection for 5 s at most", longest < 5_000],
        ],
      };

      async function stopped(old: SimulatedProcess): Promise<void> {
        killBot();
        await ended(old);
        await stand.until("the closed connection", () => simulator.connected() === 0);
      }

      async function again(old: SimulatedProcess, env: Env = {}): Promise<SimulatedProcess> {
        await stopped(old);
        return await stand.start(env);
      }

      /** Installs a version that dies after its migration, and goes back with the store. */
      async function failAndReturn(isCut: boolean): Promise<void> {
        await stopped(bot);
        await runUpgrade(["--to", "1.2.0"], undefined);
        crowd.ask();
        await ended(stand.startBot({ NEW_VERSION: "dies" }));
        if (isCut) await runUpgrade(["--back"], seeded.pick(BACK_STEPS));
        const { code, lines } = await runUpgrade(["--back"], undefined);
        const isBack = code === 0 || isCut && lines.join().includes("there is no previous program");
        if (isBack) returns += 1;
        else stuck += 1;
        bot = await stand.start();
        crowd.ask();
      }

      /** Kills the processes of the data, but the command. */
      function killBot(): void {
        for (const pid of runningWith(stand.dataDir)) {
          try {
            process.kill(pid, "SIGKILL");
          } catch {
            // it has ended
          }
        }
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

/** Bots with a data directory. */
function runningWith(dataDir: string): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const [, command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return command === "run" && args.includes(dataDir);
    } catch {
      return false; // it has ended, or is no process
    }
  });
}

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
