/**
 * Bench: a thousand replies over fifty channels, within Discord's limits: five in five seconds in a
 * channel, fifty a second in all. No bot can take less than nineteen seconds.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, openSimulatedStand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const PER_CHANNEL = 20;
const FLOOR_SEC = 19;
/** Milliseconds after which all limits are reset. */
const WINDOW_MS = 6_000;
/** Milliseconds without a further reply after which the rest counts as lost. */
const QUIET_MS = 15_000;

export async function benchRateLimits(contender: Contender): Promise<Readings> {
  if (!contender.isBarnacle) return await once(contender, "");
  return {
    ...await once(contender, "", { messages: { ackReactionScope: "off" } }),
    ...await once(contender, "Acked", { messages: { ackReactionScope: "all" } }),
  };
}

/** @param suffix Suffix of the figures' names. */
async function once(contender: Contender, suffix: string, config?: object): Promise<Readings> {
  const stand = await openSimulatedStand(contender, { isLimited: true, ...(config && { config }) });
  const { discord: { simulator }, channels } = stand;
  try {
    const createdAt: number[] = [];
    simulator.subscribe((event) => {
      if (event.kind !== "message_created") return;
      const { author } = event.message;
      if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
      createdAt.push(performance.now());
    });
    await stand.start();
    // Each channel's context is read once, and a bot learns a limit only by reaching it.
    channels.forEach(stand.ask);
    await stand.until("the first replies", () => createdAt.length >= channels.length);
    await sleep(WINDOW_MS);
    createdAt.length = 0;
    const account = simulator.account();
    const refused = account.rateLimited;
    const startedAt = performance.now();
    for (let number = 0; number < PER_CHANNEL; number++) channels.forEach(stand.ask);
    const count = PER_CHANNEL * channels.length;
    const isQuiet = () => performance.now() - (createdAt.at(-1) ?? startedAt) > QUIET_MS;
    await stand.until("the replies", () => createdAt.length >= count || isQuiet());
    const seconds = ((createdAt.at(-1) ?? NaN) - startedAt) / 1_000;
    return {
      [`limited${suffix}Sec`]: seconds,
      [`limited${suffix}Floors`]: seconds / FLOOR_SEC,
      [`limited${suffix}Refused`]: account.rateLimited - refused,
      [`limited${suffix}Lost`]: count - createdAt.length,
    };
  } finally {
    await stand.close();
  }
}
