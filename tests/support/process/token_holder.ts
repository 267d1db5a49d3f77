/**
 * A process that takes the lock of a bot token, prints the result, and holds it until it is killed
 * or its standard input ends.
 */

import process from "node:process";
import { acquireTokenLock } from "../../../src/host/locks/lock.ts";

const [, , token = "", dataDir = "", folder] = process.argv;
const lock = await acquireTokenLock(token, { startedAt: Date.now(), dataDir }, folder);
console.log(lock.kind === "taken" ? `taken ${lock.heldBy?.pid}` : lock.kind);
if (lock.kind !== "held") process.exit(75);
process.stdin.on("end", () => process.exit(0)).resume();
