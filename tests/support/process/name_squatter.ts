/**
 * A process of another user that takes the name of a token's lock, and holds it until it is killed.
 * It needs root to become that user.
 *
 * Its arguments are the name, the user id and the conduct:
 *
 * - `silent`: it accepts no connection, but the kernel queues them;
 * - `full`: its queue is full, so the kernel lets no connection in;
 * - `liar`: it repeats the description of a Barnacle, with a made-up proof.
 */

import { createServer } from "node:net";
import process from "node:process";
import { loadLibc } from "../../../src/host/process/libc.ts";

const [, , name = "", uid = "", conduct = ""] = process.argv;
const AF_UNIX = 1;
const STREAM_NONBLOCK = 0o1 | 0o4000;

const libc = await loadLibc({
  setuid: { parameters: ["u32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});
if (libc("setuid")(Number(uid)) !== 0) throw new Error(`cannot become user ${uid}`);

if (conduct === "liar") {
  const holder = { pid: process.pid, startedAt: 1, dataDir: "/srv/other" };
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.end(`${JSON.stringify(holder)}\n${"0".repeat(64)}\n`);
  });
  server.listen({ path: `\0${name}` }, ready);
} else {
  const address = Uint8Array.of(AF_UNIX, 0, 0, ...new TextEncoder().encode(name));
  const socket = libc("socket")(AF_UNIX, STREAM_NONBLOCK, 0);
  if (libc("bind")(socket, address, address.length) !== 0) throw new Error("cannot bind");
  if (libc("listen")(socket, conduct === "full" ? 0 : 16) !== 0) throw new Error("cannot listen");
  const fill = () => {
    const client = libc("socket")(AF_UNIX, STREAM_NONBLOCK, 0);
    return libc("connect")(client, address, address.length) === 0;
  };
  while (conduct === "full" && fill());
  ready();
}

function ready(): void {
  console.log("ready");
}

process.stdin.on("end", () => process.exit(0)).resume();
