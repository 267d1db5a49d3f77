/**
 * Entry of the thread that reads a file. It stands beside `main.ts` because a compiled binary finds
 * no worker that lies deeper.
 */

import { parentPort } from "node:worker_threads";
import { serveExtraction } from "./extract/serve.ts";

if (!parentPort) throw new TypeError("extract_worker.ts is no program: the bot starts it");
serveExtraction(parentPort);
