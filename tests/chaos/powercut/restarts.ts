/**
 * Replays power cuts for real: it kills the bot, restores its directory to the disk's state, and
 * starts it again on the same Discord.
 *
 * On a busy machine a bot may be killed between READY and its first transaction. A user's first
 * direct message is lost then if its session ends, too: nothing else can deliver it, and the bot has
 * not acknowledged it. So new users write in stored sessions only, and a session ends only once
 * Discord knows that the bot has stored their messages. These must be on its disk.
 */

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account as Notebook } from "../../../simulator/gateway/accounts.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { type Account, accountOf } from "../../support/bot/account.ts";
import type { Seeded } from "../../support/seeded.ts";
import { filesIn, PACE_MS } from "./cuts.ts";
import { createDisk, type Disk } from "./disk.ts";
import { isOfStore } from "./judge.ts";
import { openPowerCutSimulation, type PowerCutSimulation } from "./recording.ts";
import { describeUnanswered } from "./unanswered.ts";

export interface Restarted {
  readonly account: Account;
  readonly notebook: Notebook;
  /** Cuts after a dead session, so that catch-up had to find lost messages. */
  readonly longCuts: number;
  /** The store's facts about questions without an answer; empty if there are none. */
  readonly unanswered: string;
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
        talk(!isLong && simulation.isSessionStored());
        await sleep(seeded.random() * PACE_MS);
      }
      if (isLong) await simulation.firstsStored();
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
    const { lost } = account();
    const open = simulation.questions.filter(({ words }) => lost.includes(words));
    const longCuts = Array.from({ length: times }, (_, time) => isLongCut(time)).filter(Boolean);
    return {
      account: account(),
      notebook: simulator.account(),
      longCuts: longCuts.length,
      unanswered: await describeUnanswered(join(simulation.dataDir, DATABASE_NAME), open),
    };
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
