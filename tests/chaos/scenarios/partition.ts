/**
 * Cuts the network for longer than a session lives.
 *
 * The ten minutes are scaled down: a session of the simulator ends sooner, and so does the bot's
 * session TTL. Messages sent meanwhile must be answered.
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
      crowd.ask("dm"); // catch-up reads only stored direct channels
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
          // One wait of the back-off, after the five seconds of the IDENTIFY.
          ["it is back within one wait", backMs < backoffMaxSec * 1_000 + 10_000],
        ],
      };
    }),
});
