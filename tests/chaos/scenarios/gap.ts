/** Ends a session while no process runs: messages sent then must be answered too. */

import { ended, KILLED, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { seeded } from "../../support/seeded.ts";
import { gather } from "../support/crowd.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

export const scenario = scenarioOf({
  name: "gap",
  summary: "a session dies, people talk, kill -9 right after the new one began: nothing is lost",
  long: { questions: 90 },
  short: { questions: 8 },
  async run({ seed, questions }) {
    let report: Report | undefined;
    await withSimulation({ simulator: { rateLimits: false } }, async (scene) => {
      const { simulator, until } = scene;
      const crowd = gather(scene, seeded(seed));
      const first = await scene.start();
      crowd.ask("dm"); // catch-up reads only stored direct channels
      crowd.ask("general");
      await until("the first answers", () => crowd.account().lost.length === 0);
      first.kill("SIGTERM");
      await ended(first);
      await until("the closed connection", () => simulator.connected() === 0);

      simulator.faults.gateway.forgetSessions();
      for (let question = 0; question < questions; question += 1) {
        crowd.ask();
        crowd.chat();
      }
      const killed = await ended(scene.startBot({ BARNACLE_CRASH_AT: "after:T0" }));
      await until("the closed connection", () => simulator.connected() === 0);
      const bot = await scene.start();
      const account = await crowd.quiesce();
      bot.kill("SIGTERM");
      const exit = await ended(bot);
      report = reportOf(seed, account, simulator.account(), {
        log: bot.lines,
        bounds: [
          [
            "the process was killed between the new session and catch-up",
            killed.signal === KILLED.signal,
          ],
          ["2 IDENTIFY", simulator.account().identifies.length === 2],
          ["the bot ends with 0", exit.code === STOPPED.code],
        ],
      });
    });
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});
