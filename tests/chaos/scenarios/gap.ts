/**
 * A session that dies while no process runs: what was said then is owed all the same.
 *
 * What the scenario breaks on purpose are the weakenings of the negative
 * controls: each is a design that somebody could have built, and loses.
 *
 * @module
 */

import { ended, KILLED } from "../../support/bot/e2e.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand, type Stand } from "../support/stand.ts";

export interface Weakness {
  /** Keys of `channels.discord.gateway`. */
  readonly gateway?: object;
  /** Where the process that begins the new session is killed, in place of going on. */
  readonly crashAt?: string;
  /** Is done to what a killed process leaves. */
  readonly afterKill?: (stand: Stand) => void;
  /** Milliseconds after which what is not answered counts as lost. */
  readonly patienceMs?: number;
}

/** @param weakness What is taken from the design; the design as it is, without. */
export function playGap(
  { seed, questions }: { readonly seed: number; readonly questions: number },
  { gateway = {}, crashAt = "after:T0", afterKill, patienceMs }: Weakness = {},
) {
  return onStand(seed, { discord: () => ({ gateway }) }, async (stand) => {
    const { crowd, simulator, until } = stand;
    const first = await stand.start();
    crowd.ask("dm"); // a direct channel is asked once it is known
    crowd.ask("general");
    await until("the first answers", () => crowd.account().lost.length === 0);
    await stand.stop(first);

    simulator.faults.gateway.forgetSessions();
    for (let question = 0; question < questions; question += 1) {
      crowd.ask();
      crowd.chat();
    }
    const exit = await ended(stand.startBot({ BARNACLE_CRASH_AT: crashAt }));
    const isKilled = exit.signal === KILLED.signal;
    await until("the connection to be gone", () => simulator.connected() === 0);
    afterKill?.(stand);
    const bot = await stand.start();
    return {
      bot,
      ...(patienceMs !== undefined && { patienceMs }),
      bounds: [
        ["the process was killed between the new session and catch-up", isKilled],
        ["2 IDENTIFY", simulator.account().identifies.length === 2],
      ],
    };
  });
}

export const scenario = scenarioOf({
  name: "gap",
  summary: "a session dies, people talk, kill -9 right after the new one began: nothing is lost",
  long: { questions: 90 },
  short: { questions: 8 },
  run: (parameters) => playGap(parameters),
});
