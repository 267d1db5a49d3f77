/**
 * Kills the bot with `kill -9` in a loop, while people ask for books and short answers in places
 * that take no files, or take them only at times.
 *
 * A fixed seed chooses the moments, the questions and the permission.
 */

import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killBot, withSimulation } from "../../support/bot/e2e.ts";
import { cases } from "../../support/long_form.ts";
import { accountOf } from "../../support/bot/account.ts";
import { judge, settleIn } from "../../support/bot/survival.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { seeded } from "../../support/seeded.ts";

const SEED = 20_261_121;
const KILLS = cases(10, 20);
const POINTS = ["before:T3", "after:T3", "before:T4", "after:T4", "posted", "answered"];
const CHANNELS = ["general", "off-topic"];
/** Open questions, after which no one asks more: a full queue drops answers. */
const MOST_OPEN = 24;
const PAGES = Array.from({ length: 500 }, (_, line) => `${line}. Krill, and more krill`).join("\n");

/** Answers with the newest question's name, and with a book after it if the name begins so. */
function answerTo(text: string): string {
  const name = text.match(/[bq]\d{3}\.|later|are you there/g)?.at(-1) ?? "krill";
  return name.startsWith("b") ? `${name}\n${PAGES}` : name;
}

it(`[R12a] [D2] answers each question once in ${KILLS} kills, without Attach Files`, () => {
  const { random, upTo, pick } = seeded(SEED);
  const owed = CHANNELS.map((channel) => ({ channel, pieces: [] as string[] }));
  return withSimulation({
    config: { messages: { maxChunks: 2 } },
    simulator: { rateLimits: false },
    mayRefuse: ({ status }) => status === 403,
  }, async (scene) => {
    const { simulator, say, mention, startBot } = scene;
    await using model = await startFixedModel(answerTo);
    const env = { OPENAI_BASE_URL: model.baseUrl };
    let questions = 0;
    const ask = () => {
      for (const { channel, pieces } of owed) {
        const kind = ++questions % 3 === 0 ? "b" : "q";
        const name = `${kind}${String(questions).padStart(3, "0")}.`;
        say("grace", channel, `${mention} ${name}`);
        pieces.push(name);
      }
    };
    const permit = (as: "denied" | "unset") => {
      for (const where of CHANNELS) {
        simulator.permit({ to: "Barnacle", what: "attachFiles", in: where, as });
      }
    };

    const open = () => accountOf(owed, scene.written).lost.length;
    /** A slow machine answers less between two kills than people ask. */
    const catchUp = async () => {
      const bot = startBot(env);
      await scene.until("fewer open questions", () => open() <= MOST_OPEN / 2);
      await killBot(bot);
    };

    await settleIn(scene);
    for (let kill = 0; kill < KILLS; kill++) {
      permit("unset");
      if (open() > MOST_OPEN) await catchUp();
      ask();
      const isNamed = random() < 0.6;
      const point = pick(POINTS);
      const bot = startBot(isNamed ? { ...env, BARNACLE_CRASH_AT: point } : env);
      await sleep(upTo(300));
      ask();
      await Promise.race([bot.exited, sleep(20 + upTo(200))]);
      permit("denied");
      ask();
      await Promise.race([bot.exited, sleep(20 + upTo(200))]);
      await killBot(bot);
    }
    await judge(scene, await scene.start(env), owed);
    const posted = CHANNELS.flatMap((where) => simulator.posted(where));
    const count = (text: string) => posted.filter(({ content }) => content.includes(text)).length;
    const files = posted.filter(({ attachments }) => attachments.length > 0).length;
    console.log(
      `${KILLS} kills, ${questions} questions, each answered once: ${files} books with a file, ` +
        `${count("can't attach it here")} without, ${count("is not attached")} refused by Discord`,
    );
  });
});
