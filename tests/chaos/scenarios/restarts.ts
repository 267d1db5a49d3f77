/** Restarts the bot within the session's life, gracefully and by kill: nearly all starts resume. */

import { setTimeout as sleep } from "node:timers/promises";
import { ended } from "../../support/bot/e2e.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

export const scenario = scenarioOf({
  name: "restarts",
  summary:
    "graceful stops and kill -9, while people talk: at least 99 % RESUME, at most 2 IDENTIFY",
  /** `sessionsEndOnClose` is the control: a Discord that treats every close as one with 1000. */
  long: { graceful: 200, killed: 200, sessionsEndOnClose: 0 },
  short: { graceful: 5, killed: 5, sessionsEndOnClose: 0 },
  run: ({ seed, graceful, killed, sessionsEndOnClose }) =>
    onStand(seed, {}, async (stand) => {
      const { start, stop, crowd, seeded, simulator } = stand;
      if (sessionsEndOnClose) simulator.faults.gateway.endsSessionOnClose = () => true;
      const first = await start();
      crowd.ask();
      await crowd.quiesce(5_000);
      await stop(first);

      const left = { graceful, killed };
      while (left.graceful + left.killed > 0) {
        const isKilled = seeded.upTo(left.graceful + left.killed) >= left.graceful;
        left[isKilled ? "killed" : "graceful"] -= 1;
        if (seeded.random() < 0.5) crowd.ask(); // while no process runs
        const bot = await start();
        crowd.chat();
        crowd.ask();
        await sleep(seeded.upTo(120));
        if (isKilled) {
          bot.kill("SIGKILL");
          await ended(bot);
        } else await stop(bot);
        await stand.until("the closed connection", () => simulator.connected() === 0);
      }

      const bot = await start();
      const { resumes, identifies } = simulator.account();
      const resumed = resumes.filter(({ outcome }) => outcome === "resumed").length;
      const restarts = graceful + killed + 1;
      return {
        bot,
        facts: { restarts, resumedShare: `${(100 * resumed / restarts).toFixed(1)}%` },
        bounds: [
          ["at least 99 % of restarts RESUME", resumed >= 0.99 * restarts],
          ["at most 2 IDENTIFY", identifies.length <= 2],
        ],
      };
    }),
});
