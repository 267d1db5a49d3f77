/** Ends a session while no process runs: messages sent then must be answered too. */

import { type Account, accountOf } from "../../support/bot/account.ts";
import { ended, KILLED, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

/** Two channels, a thread, and the direct messages of an allowed user. */
const GUILD_CHANNELS = ["general", "off-topic", "How do I feed krill?"];
const DIRECT = "dm";
const IN_DIRECT = "ada";
const IN_GUILD = ["ada", "grace"];

function gather({ simulator, mention, written, until }: Scene, seeded: Seeded) {
  const places = [...GUILD_CHANNELS, DIRECT];
  // By id, because the name of a direct channel does not name its user.
  const idOf = (place: string) => simulator.channel(place, IN_DIRECT).id;
  // Questions of one person have an order. Those of others may pass them while that person has a
  // turn elsewhere (X4).
  const owed = places.flatMap((place) =>
    (place === DIRECT ? [IN_DIRECT] : IN_GUILD).map((as) => ({
      place,
      as,
      channel: String(idOf(place)),
      pieces: [] as string[],
    }))
  );
  let count = 0;

  const askIn = ({ place, as, channel, pieces }: (typeof owed)[number]): void => {
    count += 1;
    const name = `q${String(count).padStart(4, "0")}.`;
    simulator.say({ as, in: channel, text: place === DIRECT ? name : `${mention} ${name}` });
    pieces.push(name);
  };
  const account = () => accountOf(owed, (channel) => written(channel));

  const settle = async () => {
    const isSettled = () => account().lost.length === 0;
    await until("all answers", isSettled).catch(() => {}); // the report lists lost answers
  };

  return {
    /** The current state. */
    account,
    /** Asks the bot a question somewhere. */
    ask(where?: string) {
      const place = where ?? seeded.pick(places);
      askIn(seeded.pick(owed.filter((one) => one.place === place)));
    },
    /** Sends a message that is not for the bot. */
    chat() {
      simulator.say({
        as: seeded.pick(IN_GUILD),
        in: seeded.pick(GUILD_CHANNELS),
        text: "between us",
      });
    },
    /**
     * Waits until all questions are answered, or for a time; then until a last question in each place
     * is.
     */
    async quiesce(): Promise<Account> {
      await settle();
      // A second answer would come before the answer to a later question.
      for (const place of owed) if (place.pieces.length > 0) askIn(place);
      await settle();
      return account();
    },
  };
}

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
