/**
 * A process that takes a lock, prints the result, and holds it until it is killed or its standard
 * input ends.
 */

import process from "node:process";
import { acquireLock } from "../../../src/host/locks/lock.ts";

const [, , path = "", http = "", code = "0"] = process.argv;
const lock = await acquireLock(path, Date.now());
if (lock.kind === "held") lock.setHttp(http, "key");
console.log(lock.kind === "held" ? "held" : `taken ${lock.heldBy?.pid}`);
if (lock.kind === "taken") process.exit(75);
process.stdin.on("end", () => process.exit(Number(code))).resume();
