/**
 * Bench: the time of a start, from before its process is made to its IDENTIFY, and to its first
 * reply.
 *
 * Fresh is a first start, on an empty data directory. Warm is any later one: the store has the
 * gateway's address and the application, and the session is too old to resume. One core resembles a
 * user's small computer, two cores a server.
 *
 * Each measured start follows another start of the same program. In a virtual machine, the kernel may
 * give unused memory back to the host within seconds, and then each page of a start costs a fault in
 * the host.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { CoreCount } from "./cores.ts";
import { type Contender, IDENTIFY_SPACING_MS, openStand, type Stand } from "./stand.ts";
import { youngCpuMsOf } from "./proc.ts";
import { medianOf, type Readings } from "./stats.ts";

const WARM_STARTS = 3;

interface Times {
  readonly identifyMs: number;
  readonly replyMs: number;
  /** CPU time of the process until then. */
  readonly identifyCpuMs: number;
  readonly replyCpuMs: number;
}

export async function benchStart(contender: Contender): Promise<Readings> {
  await fresh(contender); // makes the kernel read the program's files, and take memory from the host
  const { identifyMs, replyMs, identifyCpuMs, replyCpuMs } = await fresh(contender);
  const stand = openStand(contender);
  try {
    await once(stand, "one");
    const warm = await warmStarts(contender, stand, "one");
    const warmTwo = await warmStarts(contender, stand, "two");
    return {
      freshIdentifyMs: identifyMs,
      freshReplyMs: replyMs,
      freshIdentifyCpuMs: identifyCpuMs,
      freshReplyCpuMs: replyCpuMs,
      warmIdentifyMs: warm.identifyMs,
      warmReplyMs: warm.replyMs,
      warmTwoIdentifyMs: warmTwo.identifyMs,
      warmTwoReplyMs: warmTwo.replyMs,
    };
  } finally {
    await stand.close();
  }
}

async function fresh(contender: Contender): Promise<Times> {
  const stand = openStand(contender);
  try {
    return await once(stand, "one");
  } finally {
    await stand.close();
  }
}

/** Medians of a bot that has run before. */
async function warmStarts(contender: Contender, stand: Stand, cores: CoreCount): Promise<Times> {
  const starts: Readings[] = [];
  for (let number = 0; number < WARM_STARTS; number++) {
    if (stand.isBarnacle) await sleep(IDENTIFY_SPACING_MS); // which that keeps across restarts
    await fresh(contender);
    starts.push({ ...await once(stand, cores) });
  }
  const { identifyMs = NaN, replyMs = NaN, identifyCpuMs = NaN, replyCpuMs = NaN } = medianOf(
    starts,
  );
  return { identifyMs, replyMs, identifyCpuMs, replyCpuMs };
}

/** One start, its first reply, and its end. */
async function once(stand: Stand, cores: CoreCount): Promise<Times> {
  stand.forget();
  const bot = await stand.start(cores);
  stand.ask("general");
  await stand.posts(1);
  const replyCpuMs = youngCpuMsOf(bot.pid);
  const replyMs = (stand.postedAt[0] ?? NaN) - bot.startedAt;
  await bot.stop();
  const { identifiedAt, startedAt, identifyCpuMs } = bot;
  return { identifyMs: identifiedAt - startedAt, replyMs, identifyCpuMs, replyCpuMs };
}
