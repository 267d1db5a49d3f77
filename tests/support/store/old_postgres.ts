/** Answers as PostgreSQL 14 does, as far as a start asks it: login, and one statement. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

const VERSION = "140005";

/** Code in place of the protocol's version, by which a client asks for TLS. */
const TLS_CODE = 80_877_103;

function message(type: string, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function int(value: number, bytes: 2 | 4): Uint8Array {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

const READY = message("Z", "I");
const LOGIN = Buffer.concat([
  message("R", int(0, 4)),
  message("S", "server_version\0", "14.5\0"),
  READY,
]);
const COLUMN = [int(0, 4), int(0, 2), int(23, 4), int(4, 2), int(-1, 4), int(0, 2)];

/** The answer to each message of a client. */
const ANSWERS: Readonly<Record<string, Uint8Array>> = {
  P: message("1"),
  D: Buffer.concat([
    message("t", int(0, 2)),
    message("T", int(1, 2), "version\0", ...COLUMN),
  ]),
  B: message("2"),
  E: Buffer.concat([
    message("D", int(1, 2), int(VERSION.length, 4), VERSION),
    message("C", "SELECT 1\0"),
  ]),
  S: READY,
};

function serve(socket: Socket): void {
  let isLoggedIn = false;
  let rest: Uint8Array = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (data: Uint8Array) => {
    let bytes = Buffer.concat([rest, data]);
    for (;;) {
      const typeBytes = isLoggedIn ? 1 : 0;
      if (bytes.length < typeBytes + 4) break;
      const end = typeBytes + bytes.readInt32BE(typeBytes);
      if (bytes.length < end) break;
      if (!isLoggedIn && bytes.readInt32BE(4) === TLS_CODE) socket.write("N");
      else if (isLoggedIn) {
        socket.write(ANSWERS[String.fromCharCode(bytes[0] ?? 0)] ?? new Uint8Array());
      } else {
        isLoggedIn = true;
        socket.write(LOGIN);
      }
      bytes = bytes.subarray(end);
    }
    rest = bytes;
  });
}

export async function startOldPostgres() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgres://bot:secret@127.0.0.1:${port}/x`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
