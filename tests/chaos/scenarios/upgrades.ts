/**
 * Upgrades the bot and goes back, while people talk, and kills the bot, the command and the watch
 * meanwhile. Some of the new versions end or hang before their first event.
 */

import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { startOwnProcess } from "../../../src/host/process/own_process.ts";
import { ended } from "../../support/bot/e2e.ts";
import { readVersionRecord } from "../../../src/host/files/version_record.ts";
import { buildReleases, EXITS, FAULTS, NEXT_SCHEMA, SCHEMA } from "../../support/release/builds.ts";
import { WATCH_ARGUMENT } from "../../../src/host/process/watch_argument.ts";
import type { Env } from "../../../src/lib/env.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/** Places of the command at which a power cut may come. */
const STEPS = ["downloaded", "kept", "swapped"];
/** Places of the watch of a new version. */
const WATCHED = ["watched", "putBack", "wentBack"];
/** Faults of a new version. */
const NEW_FAULTS = ["exits", "dies", "hangs"];
/** Milliseconds after which the watch acts, and in which it comes to its end. */
const WATCH_MS = 1_000;
const WATCHED_MS = 8_000;
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
      { version: "1.1.0", changes: [NEXT_SCHEMA], schema: SCHEMA.next },
      { version: "1.2.0", changes: [NEXT_SCHEMA, FAULTS, EXITS], schema: SCHEMA.next },
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
        const dice = seeded.random();
        const isFaulty = dice > 0.75 && round % 2 === 1;
        if (isFaulty) bot = await again(bot, faultOf());
        else if (isKilled && dice < 0.4) {
          bot = await again(bot, { BARNACLE_CRASH_AT: `${seeded.pick(MOMENTS)}:5` });
        }
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
          kill(seeded.random() < 0.5 ? "bot" : "all");
          kills += 1;
        }
        crowd.ask();
        const { code, signal, lines } = await ran;
        if (signal === "SIGKILL") cuts += 1;
        const outcome = signal ?? `${code}`;
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
        if (code === 0) done += 1;
        if (lines.some((line) => /could not start, so .* is back/.test(line))) returns += 1;
        const gap = last();
        if (code === 0 && !isKilled && !lines.join().includes("No bot runs")) {
          longest = Math.max(longest, gap);
          resumed += 1;
        }
        // The watch starts the old version, if it lives.
        const until = performance.now() + WATCHED_MS;
        while (simulator.connected() === 0 && performance.now() < until) await sleep(50);
        if (simulator.connected() === 0 || isFaulty) bot = await again(bot);
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
          ["most upgrades come to their end", done >= upgrades / 3],
          ["sessions are resumed", resumed === 0 || simulator.account().resumes.length > 0],
          ["an upgrade is without connection for 5 s at most", longest < 5_000],
        ],
      };

      async function again(old: SimulatedProcess, env: Env = {}): Promise<SimulatedProcess> {
        kill("all");
        await ended(old);
        await stand.until("the closed connection", () => simulator.connected() === 0);
        return await stand.start({ BARNACLE_WATCH_MS: `${WATCH_MS}`, ...env });
      }

      /** A version that has an event already has no fault. */
      function faultOf(): Env {
        const { accepted, trial } = readVersionRecord(stand.dataDir);
        if (trial || accepted === "1.2.0") return {};
        const point = seeded.random() < 0.5 ? seeded.pick(WATCHED) : undefined;
        return { NEW_VERSION: seeded.pick(NEW_FAULTS), BARNACLE_CRASH_AT: point };
      }

      /** Kills the bot; or all processes of its data, as a power cut does, but the command. */
      function kill(what: "bot" | "all"): void {
        const commands = what === "bot" ? ["run"] : ["run", WATCH_ARGUMENT];
        for (const pid of runningWith(stand.dataDir, commands)) {
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

/** Processes of commands with a data directory. */
function runningWith(dataDir: string, commands: readonly string[]): readonly number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const [, command = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return commands.includes(command) && args.includes(dataDir);
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
