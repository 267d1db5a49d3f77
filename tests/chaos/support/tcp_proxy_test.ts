import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { startTcpProxy, type TcpProxy, type Trouble } from "./tcp_proxy.ts";
import { OWN_HOST } from "../../support/network/own_host.ts";

const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 5;

/** One end of a connection, with its received bytes and events. */
interface End {
  readonly socket: Socket;
  text(): string;
  seen(): readonly ("end" | "close" | "error")[];
}

function watch(socket: Socket): End {
  const chunks: Buffer[] = [];
  const seen: ("end" | "close" | "error")[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (const name of ["end", "close", "error"] as const) socket.on(name, () => seen.push(name));
  return { socket, text: () => Buffer.concat(chunks).toString("latin1"), seen: () => seen };
}

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** A server behind a proxy. */
async function withProxy(
  play: (wire: {
    readonly proxy: TcpProxy;
    call(): Promise<{ readonly client: End; readonly server: End }>;
    dial(): End;
  }) => Promise<void>,
): Promise<void> {
  const servers: End[] = [];
  const listener = createServer({ allowHalfOpen: true }, (socket) => servers.push(watch(socket)));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  assert.ok(address && typeof address === "object");
  const proxy = await startTcpProxy(address.port);
  const clients: End[] = [];
  const dial = () => {
    const end = watch(connect({ port: proxy.port, host: OWN_HOST, allowHalfOpen: true }));
    clients.push(end);
    return end;
  };
  try {
    await play({
      proxy,
      dial,
      async call() {
        const count = servers.length;
        const client = dial();
        client.socket.write("hello");
        await until("the server to be reached", () => servers[count]?.text() === "hello");
        const server = servers[count];
        assert.ok(server);
        return { client, server };
      },
    });
  } finally {
    for (const { socket } of [...clients, ...servers]) socket.destroy();
    await proxy.close();
    await new Promise<void>((resolve) => listener.close(() => resolve()));
  }
}

describe("startTcpProxy()", () => {
  it("passes both ways, ends included", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      server.socket.end("goodbye");
      await until("the answer", () => client.text() === "goodbye" && client.seen().includes("end"));
      client.socket.end();
      await until("the end", () => server.seen().includes("end"));
      await until("both to be gone", () => proxy.open() === 0);
      assert.equal(proxy.accepted(), 1);
    }));

  it("blackhole: nothing passes, and all of it arrives once it is over, in order", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      assert.equal(proxy.strike({ kind: "blackhole" }), 1);
      client.socket.write(" one");
      server.socket.write("two");
      client.socket.end();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual([client.text(), server.text(), server.seen()], ["", "hello", []]);
      proxy.strike({ kind: "pass" });
      await until("both", () => client.text() === "two" && server.text() === "hello one");
      await until("the end", () => server.seen().includes("end"));
    }));

  it("blackhole: bytes in transit on a slow connection do not pass either", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "delay", ms: 60 });
      server.socket.write("slow");
      await new Promise((resolve) => setTimeout(resolve, 20));
      proxy.strike({ kind: "blackhole" });
      await new Promise((resolve) => setTimeout(resolve, 80));
      assert.equal(client.text(), "");
      proxy.strike({ kind: "pass" });
      await until("the bytes", () => client.text() === "slow");
    }));

  it("cut: ends with the next fault, if it has not struck yet", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "cut", afterBytes: 4 });
      proxy.strike({ kind: "pass" });
      server.socket.write("0123456789");
      await until("the bytes", () => client.text() === "0123456789");
    }));

  it("blackhole: neither end notices that the other has closed, until it is over", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "blackhole" });
      client.socket.resetAndDestroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(server.seen(), []);
      proxy.strike({ kind: "pass" });
      await until("the loss", () => server.seen().length > 0);
    }));

  it("blackhole: new connections are accepted, and receive nothing", () =>
    withProxy(async ({ dial, proxy }) => {
      await proxy.welcome({ kind: "blackhole" });
      const client = dial();
      client.socket.write("hello");
      await until("the connection", () => proxy.accepted() === 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual([client.text(), client.seen()], ["", []]);
    }));

  it("reset: both ends lose the connection", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "reset" });
      await until("both", () => [client, server].every((end) => end.seen().includes("close")));
      assert.ok(client.seen().includes("error"), "no end, but a reset");
      assert.equal(proxy.open(), 0);
    }));

  it("half_close: the client reads an end, and may continue writing", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "half_close" });
      await until("the end", () => client.seen().includes("end"));
      client.socket.write(" still here");
      await until("the words", () => server.text() === "hello still here");
      assert.deepEqual(server.seen(), []);
    }));

  const changed: readonly (readonly [string, Trouble, (text: string) => boolean])[] = [
    [
      "garbage: as many bytes, and none of them right",
      { kind: "garbage" },
      (text) => text === "\xa5".repeat(10),
    ],
    [
      "drip: byte after byte, all of them",
      { kind: "drip", bytesPerSec: 200 },
      (text) => text === "0123456789",
    ],
    ["delay: late, and whole", { kind: "delay", ms: 50 }, (text) => text === "0123456789"],
    ["cut: so many bytes and no more", { kind: "cut", afterBytes: 4 }, (text) => text === "0123"],
  ];
  for (const [name, trouble, fits] of changed) {
    it(name, () =>
      withProxy(async ({ call, proxy }) => {
        const { client, server } = await call();
        proxy.strike(trouble);
        const from = performance.now();
        server.socket.write("0123456789");
        await until("the bytes", () => fits(client.text()));
        if (trouble.kind === "cut") await until("the cut", () => client.seen().includes("close"));
        else assert.deepEqual(client.seen(), []);
        if (trouble.kind === "delay") assert.ok(performance.now() - from >= trouble.ms - 5);
      }));
  }

  it("delay: later data does not overtake delayed data", () =>
    withProxy(async ({ call, proxy }) => {
      const { client, server } = await call();
      proxy.strike({ kind: "delay", ms: 60 });
      server.socket.write("a");
      await new Promise((resolve) => setTimeout(resolve, 20));
      proxy.strike({ kind: "pass" });
      server.socket.write("b");
      await until("both", () => client.text() === "ab");
    }));

  it("refuse: the port is closed until it is over, and then the same", () =>
    withProxy(async ({ call, dial, proxy }) => {
      const { client: old } = await call();
      await proxy.welcome({ kind: "refuse" });
      const refused = dial();
      await until("the refusal", () => refused.seen().includes("error"));
      assert.deepEqual(old.seen(), [], "what is open stays");
      await proxy.welcome({ kind: "pass" });
      await call();
      assert.equal(proxy.accepted(), 2);
    }));
});
