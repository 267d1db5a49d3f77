/** The processes of the scenario `fleet`, each of which comes back a moment after its end. */

import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import type { Env } from "../../../src/lib/env.ts";
import { ended, type Scene } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { seeded } from "../../support/seeded.ts";

/** Names of the data directories. */
export const MEMBERS = ["first", "second", "third"] as const;

/** Longer than any run: the scenario ends its processes itself. */
const LIFE_MS = 24 * 60 * 60_000;

/** Lines of an unexpected end: its reason comes before those of the stop. */
const LAST_LINES = 6;

const OWNS = /This process owns the store in PostgreSQL/;

/**
 * Creates them; none runs yet.
 *
 * @param awayMs Maximum time until a process is started again.
 */
export function createMembers(
  scene: Scene,
  { env, seed, awayMs }: { readonly env: Env; readonly seed: number; readonly awayMs: number },
) {
  type Member = SimulatedProcess & AsyncDisposable;
  const dice = seeded(seed + 4);
  const running = new Map<string, Member>();
  /** Suspended processes, and those that were told to stop: another one owns the store, or will. */
  const leaving = new Set<SimulatedProcess>();
  const ends: string[] = [];
  let isOver = false;

  function start(name: string): void {
    const bot = startSecondBot(scene, { env, name, lifeMs: LIFE_MS });
    running.set(name, bot);
    void bot.exited.then(async ({ code, signal }) => {
      running.delete(name);
      const last = bot.lines.slice(-LAST_LINES).join("\n");
      await bot[Symbol.asyncDispose]();
      if (signal === null && code !== 0 && code !== 75) ends.push(`${name}: ${code} ${last}`);
      if (isOver) return;
      await sleep(dice.upTo(awayMs));
      if (!isOver) start(name);
    });
  }

  const owns = (name: string) => running.get(name)?.lines.some((line) => OWNS.test(line)) === true;

  return {
    start,
    running,
    leaving,
    /** Unexpected ends. */
    ends,
    /** Name of the owner that runs, and goes on. */
    owner: () =>
      MEMBERS.find((name) => {
        const bot = running.get(name);
        return bot && owns(name) && !leaving.has(bot);
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      isOver = true;
      for (const bot of running.values()) await bot[Symbol.asyncDispose]();
    },
    async stop(): Promise<readonly number[]> {
      isOver = true;
      const codes: number[] = [];
      // The owner last: the others would take over.
      for (const name of [...MEMBERS].sort((one, two) => Number(owns(one)) - Number(owns(two)))) {
        const bot = running.get(name);
        bot?.kill("SIGTERM");
        if (bot) codes.push((await endOf(name, bot)).code ?? -1);
      }
      return codes;
    },
  };
}

/** Waits for the end of a process; a process that does not end is named with its last lines. */
export async function endOf(name: string, bot: SimulatedProcess) {
  try {
    return await ended(bot);
  } catch (cause) {
    throw new Error(`${name} does not end. Its last lines:\n${bot.lines.slice(-12).join("\n")}`, {
      cause,
    });
  }
}

/** The processes. */
export type Members = ReturnType<typeof createMembers>;
