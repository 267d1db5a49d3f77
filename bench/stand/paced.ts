/** Sends many dispatches as fast as the bot reads them. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Stand } from "./stand.ts";

/** Sends without a pause, unless so many bytes wait for the bot to read. */
const BURST = 100;
const BACKLOG_BYTES = 1024 * 1024;

/**
 * Sends to one channel after another, and waits until the bot has read all.
 *
 * @param send Sends the dispatch of a number, from 0, to a channel.
 */
export async function sendPaced(
  stand: Stand,
  count: number,
  send: (channel: string, number: number) => void,
): Promise<void> {
  for (let number = 0; number < count; number++) {
    send(stand.channels[number % stand.channels.length] ?? "general", number);
    if (number % BURST > 0) continue;
    await sleep(0); // or the socket would send nothing
    while (stand.discord.backlogBytes() > BACKLOG_BYTES) await sleep(1);
  }
  await answered(stand);
}

/** The answer to a message shows that the bot has read all messages before it. */
export async function answered(stand: Stand): Promise<void> {
  stand.forget();
  stand.ask("general");
  await stand.posts(1);
}
