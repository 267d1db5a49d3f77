/**
 * Acknowledges a slash command from a thread, as the gateway thread does, and ends.
 *
 * Its argument is the address of a server that stands for Discord.
 */

import process from "node:process";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import {
  createAcknowledge,
  createCallback,
} from "../../../src/discord/gateway/shard/acknowledge.ts";

if (isMainThread) {
  new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
} else {
  const callback = createCallback(
    { restUrl: String(workerData), userAgent: "DiscordBot (test)" },
    fetch,
    (outcome) => console.log(`done ${outcome}`),
  );
  const acknowledge = createAcknowledge(callback, () => false, () => true);
  const command = { id: "1450000000000000001", type: 2, token: "an-interaction-token", data: {} };
  acknowledge(JSON.stringify({ t: "INTERACTION_CREATE", s: 7, op: 0, d: command }));
}
