/**
 * The house is cut off from the world for longer than a session lives.
 *
 * Ten minutes, scaled: a session of the simulator dies sooner, and so does the
 * bot's own belief in it. What people said meanwhile is owed an answer.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

export const scenario = scenarioOf({
  name: "partition",
  summary: "no byte passes until the session is dead: 1 more IDENTIFY, all answered once",
  long: { awayMs: 60_000, heartbeatMs: 5_000, questions: 60, backoffMaxSec: 60 },
  short: { awayMs: 4_000, heartbeatMs: 700, questions: 8, backoffMaxSec: 1 },
  run: ({ seed, awayMs, heartbeatMs, questions, backoffMaxSec }) =>
    onStand(seed, {
      simulator: { heartbeatIntervalMs: heartbeatMs, sessionTimeoutMs: awayMs / 4 },
      discord: () => ({ gateway: { reconnect: { backoffMaxSec } } }),
    }, async (stand) => {
      const { crowd, simulator, until, seeded } = stand;
      const bot = await stand.start();
      crowd.ask("general");
      crowd.ask("dm"); // a direct channel is caught up once it is known
      await until("the first answers", () => crowd.account().lost.length === 0);
      const identifies = simulator.account().identifies.length;

      await stand.cut({ kind: "blackhole" });
      for (let question = 0; question < questions; question += 1) {
        await sleep(awayMs / questions);
        if (seeded.random() < 0.5) crowd.chat();
        crowd.ask();
      }
      await stand.cut({ kind: "pass" });
      const backAt = performance.now();
      await until("the bot to be back", () => simulator.connected() === 1, 150_000);
      const backMs = Math.round(performance.now() - backAt);

      return {
        bot,
        patienceMs: 30_000,
        facts: { awayMs, backMs },
        bounds: [
          ["the session died", simulator.account().identifies.length > identifies],
          ["1 IDENTIFY more", simulator.account().identifies.length === identifies + 1],
          // One wait of the back-off, and the five seconds of the IDENTIFY before.
          ["it is back within one wait", backMs < backoffMaxSec * 1_000 + 10_000],
        ],
      };
    }),
});
