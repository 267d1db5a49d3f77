/**
 * Serves the bot's socket of a data directory, and prints the names of this process's Unix sockets as
 * JSON. A process of its own, because tests beside it hold names, too.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { serveSocket } from "../../../src/host/bot_socket.ts";

const [, , dataDir = ""] = process.argv;
await serveSocket(dataDir, () => Promise.resolve(""));
const own = new Set(readdirSync("/proc/self/fd").map(targetOf));
const names = readFileSync("/proc/self/net/unix", "utf8").split("\n").flatMap((line) => {
  const [, , , , , , inode, name] = line.trim().split(/\s+/);
  return name !== undefined && own.has(`socket:[${inode}]`) ? [name] : [];
});
console.log(JSON.stringify(names));

/** What a descriptor of this process is; `undefined` if it is closed by now. */
function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(join("/proc/self/fd", fd));
  } catch {
    return undefined; // the descriptor that listed the folder
  }
}
