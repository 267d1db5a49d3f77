/**
 * Entry of the gateway's thread. It stands beside `main.ts` because a compiled
 * binary finds no worker that lies deeper.
 */

import { parentPort } from "node:worker_threads";
import { serveGateway } from "./discord/gateway/shard/shard.ts";

if (!parentPort) throw new TypeError("worker.ts is no program: the bot starts it as a thread");
serveGateway(parentPort);
