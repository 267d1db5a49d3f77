import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { checkSharedStore } from "../../../src/cli/standby/doctor_check.ts";
import { dialerOf } from "../../../src/store/replica/dial.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";

/** Milliseconds for a server that says nothing, and for one that a busy machine lets answer late. */
const [LIMIT_MS, PATIENT_MS] = [500, 60_000];

const SILENT = () => {};

/** Runs a server that answers the request for TLS, and dials it. */
async function dialed(answer: (socket: Socket) => void, sslmode: string): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const url = new URL(`postgres://bot@127.0.0.1:${port}/x?sslmode=${sslmode}`);
    const socket = await dialerOf(url, answer === SILENT ? LIMIT_MS : PATIENT_MS)();
    socket.destroy();
    return "open";
  } catch (error) {
    assert.ok(error instanceof RemoteError, String(error));
    return `${error.kind}: ${error.message}`;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

describe("[O15] checkSharedStore()", () => {
  it("names a server within a second that takes a connection and says nothing", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const found = await checkSharedStore(`postgres://bot@127.0.0.1:${port}/x`, "/nowhere");
    assert.equal(found.status, "fail");
    assert.match(found.why, /^PostgreSQL does not answer \(no answer within 0\.9 s\)/);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
});

describe("dialerOf()", () => {
  const NO_TLS = (socket: Socket) => void socket.write("N");
  const rows: readonly (readonly [string, string, (socket: Socket) => void, RegExp])[] = [
    ["a server without TLS, which may be plain", "prefer", NO_TLS, /^open$/],
    ["a server without TLS", "require", NO_TLS, /^plain: the server has no TLS, and sslmode/],
    ["a server without TLS, to be proven", "verify-full", NO_TLS, /^plain: the server has no TLS/],
    [
      "bytes behind the answer, which TLS does not protect",
      "require",
      (socket) => void socket.write("SR"),
      /^unusable: another program/,
    ],
    [
      "another program",
      "require",
      (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /^unusable: another program than PostgreSQL answers/,
    ],
    [
      "a program that hangs up",
      "require",
      (socket) => void socket.end(),
      /^unusable: another program than PostgreSQL ends the connection/,
    ],
    ["an error", "require", (socket) => void socket.write("Efull\0"), /^failed: .+ by an error/],
    ["a server that says nothing", "require", SILENT, /^unreachable: no answer within 0\.5 s/],
    [
      "a server that begins TLS and ends it",
      "require",
      (socket) => socket.write("S", () => socket.end()),
      /^(?:unreachable|untrusted): /,
    ],
  ];
  for (const [what, sslmode, answer, outcome] of rows) {
    it(`[O15] names ${what}`, async () => {
      assert.match(await dialed(answer, sslmode), outcome);
    });
  }
});
