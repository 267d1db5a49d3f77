/**
 * Ends a session while no process runs: messages sent then must be answered too.
 *
 * The scenario's weaknesses are the negative controls: each is a plausible design that loses
 * messages.
 */

import { ended, KILLED } from "../../support/bot/e2e.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand, type Stand } from "../support/stand.ts";

export interface Weakness {
  /** Keys of `channels.discord.gateway`. */
  readonly gateway?: object;
  /** The point at which the process with the new session is killed. */
  readonly crashAt?: string;
  /** Changes the store of the killed process. */
  readonly afterKill?: (stand: Stand) => void;
  /** Milliseconds after which an unanswered message counts as lost. */
  readonly patienceMs?: number;
}

/**
 * Plays the scenario.
 *
 * @param weakness Removes a part of the design; absent for the design as it is.
 */
export function playGap(
  { seed, questions }: { readonly seed: number; readonly questions: number },
  { gateway = {}, crashAt = "after:T0", afterKill, patienceMs }: Weakness = {},
) {
  return onStand(seed, { discord: () => ({ gateway }) }, async (stand) => {
    const { crowd, simulator, until } = stand;
    const first = await stand.start();
    crowd.ask("dm"); // catch-up reads only stored direct channels
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
    await until("the closed connection", () => simulator.connected() === 0);
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
