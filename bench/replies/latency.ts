/**
 * Bench: one message at a time, in a channel with a history. It measures the bot's time from the
 * message to the model, and from the model to Discord.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openStand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const WARM_UP = 30;
const MESSAGES = 150;
/** Pause between two messages, so that each finds an idle bot. */
const PAUSE_MS = 20;

export async function benchLatency(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  const toModel: number[] = [];
  const toPost: number[] = [];
  try {
    await stand.start();
    for (let number = 0; number < WARM_UP + MESSAGES; number++) {
      stand.forget();
      const saidAt = performance.now();
      stand.ask("general");
      await stand.posts(1);
      if (number >= WARM_UP) {
        toModel.push((stand.model.askedAt[0] ?? NaN) - saidAt);
        toPost.push((stand.postedAt[0] ?? NaN) - (stand.model.answeredAt[0] ?? NaN));
      }
      await sleep(PAUSE_MS);
    }
  } finally {
    await stand.close();
  }
  return {
    toModelP50: quantile(toModel, 0.5),
    toModelP99: quantile(toModel, 0.99),
    toPostP50: quantile(toPost, 0.5),
    toPostP99: quantile(toPost, 0.99),
  };
}
