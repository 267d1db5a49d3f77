/**
 * Bench: many messages at once in one channel, without limits. It measures replies per second if
 * each must wait for the one before.
 */

import { type Contender, openStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const WARM_UP = 20;
const MESSAGES = 400;

export async function benchOneChannel(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  const ask = async (count: number): Promise<void> => {
    stand.forget();
    for (let number = 0; number < count; number++) stand.ask("general");
    await stand.posts(count);
  };
  try {
    await stand.start();
    await ask(WARM_UP);
    const startedAt = performance.now();
    await ask(MESSAGES);
    return { oneChannelPerSec: MESSAGES / (performance.now() - startedAt) * 1_000 };
  } finally {
    await stand.close();
  }
}
