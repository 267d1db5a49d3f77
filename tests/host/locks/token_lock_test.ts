import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection, createServer, type Server } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import { readBootId, readPid } from "../../../src/host/process/boot.ts";
import {
  acquireTokenLock,
  findTokenHolders,
  TOKEN_LOCK_PORTS,
  tokenLockName,
  type TokenLockPorts,
} from "../../../src/host/locks/token_lock.ts";
import { TABLES } from "../../../src/host/locks/socket_holder.ts";
import { acquireReleased } from "../../support/process/acquire_released.ts";
import { startScript } from "../../support/process/start_script.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const SELF = { startedAt: NOW, dataDir: "/var/lib/barnacle" };
/** The real places, with a shorter time-out. */
const PORTS: TokenLockPorts = {
  ...TOKEN_LOCK_PORTS,
  platform: "linux",
  askMs: 200,
  directory: () => undefined,
};

/** The real places. A holder answers, however busy the machine is. */
const PATIENT: TokenLockPorts = { ...TOKEN_LOCK_PORTS, askMs: 60_000 };

/** Of this test alone: others on this machine run the same one. */
function newToken(): string {
  return `MTA.${randomBytes(16).toString("hex")}`;
}

/** Another process that tries to take the lock. */
function startHolder(token: string) {
  return startScript("token_holder.ts", [token, "/srv/other"]);
}

/** A process that holds the name and is not Barnacle. */
async function squat(token: string, answer: (server: Server) => string | undefined) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    sockets.push(socket);
    const text = answer(server);
    if (text !== undefined) socket.end(text);
  });
  const sockets: { destroy(): unknown }[] = [];
  server.listen({ path: `\0${tokenLockName(token)}` });
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("[G11] acquireTokenLock()", () => {
  it("refuses a second process with the token, and names the first", async () => {
    const token = newToken();
    const lock = await acquireTokenLock(token, SELF);
    assert.ok(lock.kind === "held");
    const own = readPid(process.pid);
    assert.ok(own.kind === "running");
    const elsewhere = { ...SELF, dataDir: "/elsewhere" };
    assert.deepEqual(await acquireTokenLock(token, elsewhere, PATIENT), {
      kind: "taken",
      heldBy: {
        pid: process.pid,
        startedAt: NOW,
        dataDir: "/var/lib/barnacle",
        bootId: readBootId(),
        startTicks: own.startTicks,
      },
    });
    await using second = await startHolder(token);
    assert.equal(second.said, `taken ${process.pid}`);
    await lock.release();
  });

  it("accepts another token, and the same one once it is released", async () => {
    const token = newToken();
    const first = await acquireTokenLock(token, SELF);
    const other = await acquireTokenLock(newToken(), SELF);
    assert.ok(first.kind === "held" && other.kind === "held");
    await first.release();
    const next = await acquireReleased(token, SELF);
    assert.ok(next.kind === "held");
    await next.release();
    await other.release();
  });

  it("is free as soon as its holder is killed", async () => {
    const token = newToken();
    await using holder = await startHolder(token);
    assert.equal(holder.said, "held");
    const taken = await acquireTokenLock(token, SELF, PATIENT);
    assert.ok(taken.kind === "taken");
    assert.equal(taken.heldBy?.pid, holder.pid);
    assert.equal(taken.heldBy?.dataDir, "/srv/other");
    await holder.kill();
    const lock = await acquireTokenLock(token, SELF);
    assert.ok(lock.kind === "held");
    await lock.release();
  });

  it("accepts one of several simultaneous processes", async () => {
    const token = newToken();
    await using comers = new AsyncDisposableStack();
    const said = await Promise.all(
      [1, 2, 3].map(async () => comers.use(await startHolder(token)).said),
    );
    assert.equal(said.filter((word) => word === "held").length, 1, said.join());
  });

  it("answers each client, even beside a client that does not read", async () => {
    const token = newToken();
    const lock = await acquireTokenLock(token, SELF);
    const path = `\0${tokenLockName(token)}`;
    const rude = Array.from({ length: 5 }, () => createConnection({ path }).on("error", () => {}));
    await Promise.all(rude.map((socket) => once(socket, "connect")));
    for (const socket of rude) socket.destroy();
    const taken = await acquireTokenLock(token, SELF, PATIENT);
    assert.ok(taken.kind === "taken");
    assert.equal(taken.heldBy?.pid, process.pid);
    if (lock.kind === "held") await lock.release();
  });

  const STRANGERS: readonly (readonly [name: string, answer: string | undefined])[] = [
    ["says nothing", undefined],
    ["hangs up", ""],
    ["speaks of something else", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["says too much", `{"pid":${process.pid},"startedAt":0,"dataDir":"${"x".repeat(20_000)}"}`],
    ["names a process that is none", '{"pid":-1,"startedAt":0}'],
    ["names a process that has not this socket", `{"pid":${process.ppid},"startedAt":0}`],
  ];
  for (const [name, answer] of STRANGERS) {
    it(`is held by an unknown process if the holder ${name}`, async () => {
      const token = newToken();
      await using _squatter = await squat(token, () => answer);
      sameData(await acquireTokenLock(token, SELF, PORTS), { kind: "taken" });
    });
  }

  it("locks a file of the user on other systems, which shows nothing of the token", async () => {
    using directory = tempDirectory();
    const token = newToken();
    const ports: TokenLockPorts = {
      ...PORTS,
      platform: "darwin",
      directory: () => directory.path,
    };
    const lock = await acquireTokenLock(token, SELF, ports);
    assert.ok(lock.kind === "held");
    const second = await acquireTokenLock(token, SELF, ports);
    assert.ok(second.kind === "taken");
    assert.equal(second.heldBy?.pid, process.pid);
    await lock.release();
    const third = await acquireReleased(token, SELF, ports);
    assert.ok(third.kind === "held");
    await third.release();
  });

  it("reports that no directory is safe from other users", async () => {
    const ports: TokenLockPorts = { ...PORTS, platform: "darwin" };
    assert.deepEqual(await acquireTokenLock(newToken(), SELF, ports), { kind: "unsupported" });
  });
});

describe("[G11] tokenLockName()", () => {
  it("is constant for a token, different for each, and contains no part of it", () => {
    const token = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestX.abcdefghijklmnopqrstuvwxyz0123456789ab";
    const name = tokenLockName(token);
    assert.match(name, /^barnacle-[0-9a-f]{32}$/);
    assert.equal(tokenLockName(token), name);
    assert.notEqual(tokenLockName(`${token} `), name);
    for (const part of token.split(".")) assert.ok(!name.includes(part));
  });
});

describe("[X2] findTokenHolders()", () => {
  const listing = (...tokens: readonly string[]) => () =>
    tokens.map((token) => `0: 00000002 00000000 00010000 0001 01 1 @${tokenLockName(token)}\n`)
      .join("");

  it("finds the bots of this machine with their data directories", async () => {
    const token = newToken();
    const lock = await acquireTokenLock(token, { ...SELF, dataDir: `/srv/${token}` });
    assert.ok(lock.kind === "held");
    const mine = async () =>
      (await findTokenHolders({ ...PATIENT, ...TABLES })).filter(({ dataDir }) =>
        dataDir === `/srv/${token}`
      );
    assert.deepEqual((await mine()).map(({ pid }) => pid), [process.pid]);
    await lock.release();
    assert.deepEqual(await mine(), []);
  });

  it("ignores a process that hangs, or describes another one", async () => {
    const [silent, liar, gone] = [newToken(), newToken(), newToken()];
    await using _silent = await squat(silent, () => undefined);
    await using _liar = await squat(liar, () => `{"pid":${process.ppid},"startedAt":0}`);
    const ports = { ...PORTS, sockets: listing(silent, liar, gone) };
    assert.deepEqual(await findTokenHolders(ports), []);
  });

  it("finds them by their lock files on other systems", async () => {
    using directory = tempDirectory();
    const ports = { ...PORTS, platform: "darwin", directory: () => directory.path };
    const lock = await acquireTokenLock(newToken(), SELF, ports);
    assert.ok(lock.kind === "held");
    const found = await findTokenHolders({ ...ports, sockets: () => "" });
    assert.deepEqual(found.map(({ dataDir }) => dataDir), [SELF.dataDir]);
    await lock.release();
    assert.deepEqual(await findTokenHolders({ ...ports, sockets: () => "" }), []);
  });
});
