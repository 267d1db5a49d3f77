/**
 * Kills the bot with `kill -9` in a loop, while people write.
 *
 * A fixed seed chooses the moments: some are named points of the program, others are times from
 * outside.
 */

import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import assert from "node:assert/strict";
import type { Owed } from "../../support/bot/account.ts";
import { killBot, withSimulation } from "../../support/bot/e2e.ts";
import { seeded } from "../../support/seeded.ts";
import { judge, settleIn } from "../../support/bot/survival.ts";

const SEED = 20_261_120;
const KILLS = 14;
/**
 * Moments after a request has left are chosen more often, because a reply could be doubled there.
 */
const POINTS = [
  "before:T1",
  "after:T1",
  "after:T2",
  "before:T3",
  "after:T3",
  "after:T4",
  "posted",
  "posted",
  "answered",
  "before:T5",
];
/** Who asks where. In a channel of several people, their turns run side by side (S5). */
const ASKERS = [
  ["general", "grace"],
  ["off-topic", "ada"],
  ["off-topic", "mallory"],
  ["off-topic", "edsger"],
  ["How do I feed krill?", "grace"],
] as const;

/** Discord's rate of five messages in five seconds takes its time. */
const LIMITED_MS = 60_000;

it(`[D2] [G7] loses, doubles and reorders no message in ${KILLS} kills at random moments`, () => {
  const { random, upTo, pick } = seeded(SEED);
  const owed = ASKERS.map(([channel, person]) => ({ channel, person, pieces: [] as string[] }));

  return withSimulation({
    discord: () => ({ textChunkLimit: 160 }),
    // A killed process forgets Discord's rate limits, and may exceed them once.
    mayRefuse: ({ status }) => status === 429,
  }, async (scene) => {
    const { say, mention, startBot } = scene;
    let questions = 0;
    const ask = () => {
      const { channel, person, pieces } = owed[upTo(owed.length)] ?? owed[0]!;
      const name = `q${String(++questions).padStart(3, "0")}`;
      const isLong = random() < 0.3;
      const names = isLong ? [`${name}a`, `${name}b`] : [`${name}.`];
      const padding = isLong ? ` ${"krill ".repeat(15)}` : "";
      say(person, channel, `${mention} ${names.map((one) => one + padding).join("\n")}`);
      pieces.push(...names);
    };

    for (const who of ["mallory", "edsger"]) scene.simulator.invite({ who });
    await settleIn(scene);
    for (let kill = 0; kill < KILLS; kill++) {
      const isNamed = random() < 0.6;
      const point = pick(POINTS);
      ask();
      const bot = startBot(isNamed ? { BARNACLE_CRASH_AT: point } : {});
      await sleep(upTo(300));
      ask();
      await Promise.race([bot.exited, sleep(50 + upTo(350))]);
      await killBot(bot);
    }
    const due: readonly Owed[] = owed.filter(({ pieces }) => pieces.length > 0);
    await judge(scene, await scene.start(), due, LIMITED_MS);
    assert.equal(scene.simulator.account().identifies.length, 1);
    const pieces = due.flatMap((one) => one.pieces).length;
    console.log(`${KILLS} kills, ${questions} questions: owed ${pieces}, answered ${pieces}`);
  });
});
