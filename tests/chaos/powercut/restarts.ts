/**
 * Replays power cuts for real: it kills the bot, restores its directory to the disk's state, and
 * starts it again on the same Discord.
 *
 * @module
 */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account as Notebook } from "../../../simulator/gateway/accounts.ts";
import { type Account, accountOf } from "../../support/bot/account.ts";
import type { Seeded } from "../../support/seeded.ts";
import { filesIn, PACE_MS } from "./cuts.ts";
import { createDisk, type Disk } from "./disk.ts";
import { isOfStore } from "./judge.ts";
import { openPowerCutSimulation, type PowerCutSimulation } from "./recording.ts";

export interface Restarted {
  readonly account: Account;
  readonly notebook: Notebook;
  /** Cuts after a dead session, so that catch-up had to find lost messages. */
  readonly longCuts: number;
}

/** One of this many cuts is longer than a session lives. */
const LONG_EVERY = 4;

/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;

/**
 * Replays a number of cuts.
 *
 * @param times Number of cuts; every other one keeps a random half of the unsynced data.
 */
export async function restartAfterCuts(seeded: Seeded, times: number): Promise<Restarted> {
  const simulation = await openPowerCutSimulation(seeded);
  const { simulator, talk, until, written } = simulation;
  simulator.faults.gateway.forgetsNamed = true;
  try {
    for (let time = 0; time < times; time++) {
      const isLong = isLongCut(time);
      const disk = createDisk(filesIn(simulation.dataDir));
      const bot = await simulation.start(true);
      for (let left = seeded.between(3, 14); left > 0; left--) {
        // Without a session the bot cannot learn of an unknown direct channel (hole 2 of 1.6).
        talk(!isLong && simulator.connected() > 0);
        await sleep(seeded.random() * PACE_MS);
      }
      bot.kill("SIGKILL");
      await bot.exited;
      failPower(simulation, disk, time % 2 === 0 ? undefined : seeded.random);
      if (isLong) simulator.faults.gateway.forgetSessions();
    }
    const bot = await simulation.start(false);
    const account = () => accountOf(simulation.owed, written);
    await until("all answers", () => account().lost.length === 0).catch(() => {}); // the report says so
    await sleep(AFTERWARDS_MS);
    bot.kill("SIGTERM");
    await bot.exited;
    const longCuts = Array.from({ length: times }, (_, time) => isLongCut(time)).filter(Boolean);
    return { account: account(), notebook: simulator.account(), longCuts: longCuts.length };
  } finally {
    await simulation.close();
  }
}

const isLongCut = (time: number): boolean => time % LONG_EVERY === LONG_EVERY - 1;

function failPower(simulation: PowerCutSimulation, disk: Disk, random?: () => number): void {
  for (const syscall of simulation.readLog()) disk.apply(syscall);
  for (const name of readdirSync(simulation.dataDir)) {
    if (name.startsWith("barnacle.db")) rmSync(join(simulation.dataDir, name));
  }
  for (const [path, bytes] of disk.afterCut(random)) {
    if (isOfStore(path)) writeFileSync(path, bytes, { mode: 0o600 });
  }
}
