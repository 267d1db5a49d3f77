import assert from "node:assert/strict";
import process from "node:process";
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  askSocket,
  BotSocketError,
  createBotPipe,
  MAX_REQUEST_BYTES,
  readBotPipe,
  serveSocket,
  socketFolder,
  type SocketHandler,
} from "../../src/host/bot_socket.ts";
import { skipUnless } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";

/** So long that only a fault ends it. */
const WAIT = { greetingMs: 60_000, answerMs: 60_000 };
const SHORT = { greetingMs: 500, answerMs: 500 };
const HELLO = { text: "hello", files: [] };
const echo: SocketHandler = ({ text, files }) =>
  Promise.resolve(`${text} ${files.map(({ length }) => length).join()}`);

const onLinux = skipUnless(process.platform === "linux", "no Linux");
const asRoot = skipUnless(process.geteuid?.() === 0, "not root, who can give files away");

/** A server of the test's own at the socket's path. */
function listen(dataDir: string, server: Server): Promise<void> {
  mkdirSync(socketFolder(dataDir), { mode: 0o700 });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ path: join(socketFolder(dataDir), "bot") }, resolve);
  return promise;
}

describe("serveSocket() and askSocket()", () => {
  it("carry a text and files there, and an answer back", async () => {
    using folder = tempDirectory();
    const server = await serveSocket(folder.path, echo);
    const files = [new Uint8Array(0), new Uint8Array(3_000_000), Uint8Array.of(10, 10)];
    assert.deepEqual(await askSocket(folder.path, { text: 'é\n"', files }, WAIT), {
      kind: "answered",
      text: 'é\n" 0,3000000,2'.split("\n")[0],
    });
    await server.close();
    assert.deepEqual(await askSocket(folder.path, HELLO, WAIT), { kind: "absent" });
  });

  it("answer many commands at once, each with its own answer", async () => {
    using folder = tempDirectory();
    const server = await serveSocket(folder.path, async ({ text }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return text;
    });
    const asked = Array.from({ length: 20 }, (_, index) => ({ text: `${index}`, files: [] }));
    const answers = await Promise.all(asked.map((one) => askSocket(folder.path, one, WAIT)));
    assert.deepEqual(answers, asked.map(({ text }) => ({ kind: "answered", text })));
    await server.close();
  });

  it("keep the socket in a folder that other users cannot enter", async () => {
    using folder = tempDirectory();
    const server = await serveSocket(folder.path, echo);
    assert.equal(statSync(socketFolder(folder.path)).mode & 0o777, 0o700);
    await server.close();
    assert.ok(!existsSync(join(socketFolder(folder.path), "bot")));
  });

  it("refuse a folder that others may enter, and a link", async () => {
    using folder = tempDirectory();
    mkdirSync(socketFolder(folder.path));
    chmodSync(socketFolder(folder.path), 0o750);
    const isRefused = (error: unknown) =>
      error instanceof BotSocketError && error.kind === "not_private" &&
      /remove it/.test(error.message);
    await assert.rejects(serveSocket(folder.path, echo), isRefused);
    await assert.rejects(askSocket(folder.path, HELLO, WAIT), isRefused);
    using other = tempDirectory();
    using linked = tempDirectory();
    symlinkSync(other.path, socketFolder(linked.path));
    await assert.rejects(serveSocket(linked.path, echo), isRefused);
    await assert.rejects(askSocket(linked.path, HELLO, WAIT), isRefused);
  });

  it("refuse a folder of another user than the data", asRoot, async () => {
    using folder = tempDirectory();
    mkdirSync(socketFolder(folder.path), { mode: 0o700 });
    const { chownSync } = await import("node:fs");
    chownSync(socketFolder(folder.path), 12_345, 12_345);
    await assert.rejects(serveSocket(folder.path, echo), BotSocketError);
    await assert.rejects(askSocket(folder.path, HELLO, WAIT), BotSocketError);
  });

  it("work with a path that is longer than a socket's address", onLinux, async () => {
    using folder = tempDirectory();
    const dataDir = join(folder.path, "d".repeat(100), "e".repeat(100));
    mkdirSync(dataDir, { recursive: true });
    const server = await serveSocket(dataDir, echo);
    assert.equal((await askSocket(dataDir, HELLO, WAIT)).kind, "answered");
    await server.close();
    assert.ok(!existsSync(join(socketFolder(dataDir), "bot")));
    const again = await serveSocket(dataDir, echo);
    assert.equal((await askSocket(dataDir, HELLO, WAIT)).kind, "answered");
    await again.close();
  });

  it("take the place of a file that a killed process has left", async () => {
    using folder = tempDirectory();
    mkdirSync(socketFolder(folder.path), { mode: 0o700 });
    writeFileSync(join(socketFolder(folder.path), "bot"), "");
    assert.deepEqual(await askSocket(folder.path, HELLO, WAIT), { kind: "absent" });
    const server = await serveSocket(folder.path, echo);
    assert.equal((await askSocket(folder.path, HELLO, WAIT)).kind, "answered");
    await server.close();
  });
});

describe("askSocket()", () => {
  it("sends nothing to a process that does not greet it", async () => {
    using folder = tempDirectory();
    const got: Uint8Array[] = [];
    const hanging = createServer((socket) => void socket.on("data", (piece) => got.push(piece)));
    await listen(folder.path, hanging);
    assert.deepEqual(await askSocket(folder.path, HELLO, SHORT), { kind: "silent" });
    assert.deepEqual(got, []);
    hanging.close();
  });

  it("sends nothing to a process of another version", async () => {
    using folder = tempDirectory();
    const got: Uint8Array[] = [];
    const newer = createServer((socket) => {
      socket.write('{"barnacle":2}\n');
      socket.on("data", (piece) => got.push(piece)).on("error", () => {});
    });
    await listen(folder.path, newer);
    assert.deepEqual(await askSocket(folder.path, HELLO, WAIT), { kind: "other" });
    assert.deepEqual(got, []);
    newer.close();
  });

  it("reports a request without an answer as lost: it may be carried out", async () => {
    using folder = tempDirectory();
    const server = await serveSocket(folder.path, () => Promise.withResolvers<string>().promise);
    assert.deepEqual(await askSocket(folder.path, HELLO, { ...WAIT, answerMs: 50 }), {
      kind: "lost",
    });
    await server.close();
  });
});

describe("serveSocket()", () => {
  it("ends the connection of a request whose handler fails, and reports the failure", async () => {
    using folder = tempDirectory();
    const failed: unknown[] = [];
    const failure = new Error("no handler");
    const server = await serveSocket(
      folder.path,
      () => Promise.reject(failure),
      (error) => failed.push(error),
    );
    assert.deepEqual(await askSocket(folder.path, HELLO, WAIT), { kind: "lost" });
    assert.deepEqual(failed, [failure]);
    await server.close();
  });

  const broken: readonly (readonly [name: string, bytes: string])[] = [
    ["no line", "x".repeat(5_000)],
    ["no list", "{}\n"],
    ["no JSON", "hello\n"],
    ["a negative length", "[-1]\n"],
    ["no frame", "[]\n"],
    ["too many bytes", `[1,${MAX_REQUEST_BYTES}]\n`],
    ["a text that is too long", `[${50 * 2 ** 20}]\n`],
  ];
  for (const [name, bytes] of broken) {
    it(`ends a connection with ${name}, and serves the next one`, async () => {
      using folder = tempDirectory();
      const server = await serveSocket(folder.path, echo);
      const socket = createConnection({ path: join(socketFolder(folder.path), "bot") });
      const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
      socket.on("error", () => {}).resume();
      socket.once("data", () => socket.write(bytes));
      const late = setTimeout(() => socket.destroy(new Error("The connection stays open")), 5_000);
      let isLate = false;
      socket.on("error", () => isLate = true);
      await closed;
      clearTimeout(late);
      assert.equal(isLate, false);
      assert.equal((await askSocket(folder.path, HELLO, WAIT)).kind, "answered");
      await server.close();
    });
  }

  it("greets only so many commands that it can serve, and refuses more than 32", async () => {
    using folder = tempDirectory();
    const server = await serveSocket(folder.path, echo);
    const path = join(socketFolder(folder.path), "bot");
    let greeted = 0;
    let ended = 0;
    const sockets = Array.from({ length: 40 }, () => {
      const socket = createConnection({ path });
      socket.on("data", () => greeted++).on("close", () => ended++).on("error", () => {});
      return socket;
    });
    while (ended < 8 || greeted < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([greeted, ended], [2, 8]);
    assert.equal((await askSocket(folder.path, HELLO, SHORT)).kind, "silent");
    for (const socket of sockets) socket.destroy();
    const until = performance.now() + 60_000;
    let answer = await askSocket(folder.path, HELLO, WAIT);
    while (answer.kind !== "answered" && performance.now() < until) {
      answer = await askSocket(folder.path, HELLO, WAIT);
    }
    assert.equal(answer.kind, "answered");
    await server.close();
  });
});

describe("[SEC-R35] readBotPipe()", () => {
  it("reads the pipe that a bot has written, which is another one at each start", () => {
    using folder = tempDirectory();
    const file = join(folder.path, "bot");
    const pipe = createBotPipe();
    writeFileSync(file, JSON.stringify(pipe));
    assert.deepEqual(readBotPipe(file), pipe);
    assert.notEqual(createBotPipe().path, pipe.path);
    assert.notEqual(createBotPipe().secret, pipe.secret);
  });

  const { path, secret } = createBotPipe();
  const BAD: readonly (readonly [what: string, text: string])[] = [
    ["an empty file", ""],
    ["half a file", JSON.stringify({ path, secret }).slice(0, 40)],
    ["no secret", JSON.stringify({ path })],
    ["a pipe of another machine", JSON.stringify({ path: path.replace(".", "srv"), secret })],
    ["a name that others know", JSON.stringify({ path: "\\\\.\\pipe\\barnacle", secret })],
    ["a file", JSON.stringify({ path: "C:\\x", secret })],
    ["too much", JSON.stringify({ path, secret, more: "x".repeat(5_000) })],
  ];
  for (const [what, text] of BAD) {
    it(`does not take ${what}`, () => {
      using folder = tempDirectory();
      const file = join(folder.path, "bot");
      writeFileSync(file, text);
      assert.equal(readBotPipe(file), undefined);
    });
  }

  it("finds none without a file", () => {
    using folder = tempDirectory();
    assert.equal(readBotPipe(join(folder.path, "bot")), undefined);
  });
});
