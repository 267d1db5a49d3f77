/**
 * A process that takes a lock, prints the result, and holds it until a word comes by its standard
 * input. If that ends without a word, as when the test has died, it dies as a killed process does.
 */

import process from "node:process";
import { acquireLock } from "../../../src/host/locks/lock.ts";

const [, , path = "", http = "", code = "0"] = process.argv;
const lock = await acquireLock(path, Date.now());
if (lock.kind === "held") lock.setHttp(http, "key");
console.log(lock.kind === "held" ? "held" : `taken ${lock.heldBy?.pid}`);
if (lock.kind === "taken") process.exit(75);
process.stdin.on("data", () => process.exit(Number(code)))
  .on("end", () => process.kill(process.pid, "SIGKILL"));
