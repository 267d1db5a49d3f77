/**
 * Entry of a thread: loads modules in order, and posts the number of Zod schemas that each builds.
 */

import { parentPort, workerData } from "node:worker_threads";

let built = 0;
// Zod calls it for each new schema; it reads this object when it is loaded.
Reflect.set(globalThis, "__zod_globalConfig", { postProcessor: () => void built++ });

const counts: number[] = [];
for (const url of workerData as readonly string[]) {
  const before = built;
  await import(url);
  counts.push(built - before);
}
parentPort?.postMessage(counts);
