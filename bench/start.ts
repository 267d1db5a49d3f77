/**
 * How soon a bot is there: from before its process is made to its IDENTIFY, and
 * to its first reply.
 *
 * Cold is a first start, on an empty data directory. Warm is any later one, when
 * the gateway's address and the application are in the store and the session is
 * too old to be resumed.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, IDENTIFY_SPACING_MS, openStand, type Stand } from "./stand.ts";
import { medianOf, type Readings } from "./stats.ts";

const WARM_STARTS = 5;

export async function benchStart(contender: Contender): Promise<Readings> {
  const stand = await openStand(contender);
  try {
    const cold = await once(stand);
    const warm: { readonly identifyMs: number; readonly replyMs: number }[] = [];
    for (let number = 0; number < WARM_STARTS; number++) {
      await sleep(IDENTIFY_SPACING_MS);
      warm.push(await once(stand));
    }
    const { identifyMs = NaN, replyMs = NaN } = medianOf(warm);
    return {
      coldIdentifyMs: cold.identifyMs,
      coldReplyMs: cold.replyMs,
      warmIdentifyMs: identifyMs,
      warmReplyMs: replyMs,
    };
  } finally {
    await stand.close();
  }
}

async function once(stand: Stand) {
  stand.forget();
  const bot = await stand.start();
  stand.ask("general");
  await stand.posts(1);
  const replyMs = (stand.postedAt[0] ?? NaN) - bot.startedAt;
  await bot.stop();
  return { identifyMs: bot.identifiedAt - bot.startedAt, replyMs };
}
