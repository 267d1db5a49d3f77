/** Attacks on `barnacle status` by a program at the address of a bot that has ended. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { status } from "../../src/features/diagnose/status.ts";
import { acquireLock } from "../../src/host/locks/lock.ts";
import { judgeHealth } from "../../src/http/checks.ts";
import { recordingIo } from "../cli/io.ts";
import { recordedTerminal } from "../cli/terminal/recorded_terminal.ts";
import { createProcessIo } from "../../src/cli/terminal/io.ts";
import { BUILD, HEALTHY, NOW } from "../support/bot/health.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const TOKEN = "canary-0123456789abcdef0123456789abcdef";
const REPORT = {
  status: "pass",
  build: BUILD,
  at: NOW,
  snapshot: HEALTHY,
  findings: judgeHealth(HEALTHY, NOW),
};

interface AskOptions {
  readonly json?: boolean;
  readonly timeoutMs?: number;
  /** Whether the lock is free again before the command asks. */
  readonly hasEnded?: boolean;
}

/** Runs the command with a listener at the address of the lock file. */
async function ask(answer: RequestListener, options: AskOptions = {}) {
  const requests: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    requests.push(request.headers.authorization);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    return { ...await askAt(`127.0.0.1:${port}`, options), requests };
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

async function askAt(
  address: string,
  { json = false, timeoutMs = 10_000, hasEnded = false }: AskOptions = {},
) {
  using folder = tempDirectory();
  const config = join(folder.path, "config.jsonc");
  writeFileSync(config, "{}", { mode: 0o600 });
  const lock = await acquireLock(join(folder.path, "lock"), NOW);
  assert.ok(lock.kind === "held");
  lock.setHttp(address, TOKEN);
  if (hasEnded) lock.release();
  const { terminal, stdout, stderr } = recordedTerminal({ isTTY: false });
  try {
    const code = await status(
      { data: folder.path, config, json, verbose: true, quiet: false, probe: false },
      createProcessIo({ json }, terminal),
      timeoutMs,
    );
    return { code, stdout: stdout().trimEnd(), stderr: stderr().trimEnd() };
  } finally {
    lock.release();
  }
}

const answering = (report: object): RequestListener => (_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(report));
};

describe("[O1] [O7] barnacle status › another program at the bot's address", () => {
  it("asks nothing if no bot holds the lock", async () => {
    const { code, stdout, stderr, requests } = await ask(answering(REPORT), { hasEnded: true });
    assert.equal(code, 75);
    assert.deepEqual(requests, []);
    assert.equal(stdout, "");
    assert.match(stderr, /no bot runs with the data in/);
  });

  it("does not believe a report if the bot ends meanwhile", async () => {
    using folder = tempDirectory();
    const lock = await acquireLock(join(folder.path, "lock"), NOW);
    assert.ok(lock.kind === "held");
    const server = createServer((request, response) => {
      lock.release();
      answering(REPORT)(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    lock.setHttp(`127.0.0.1:${(server.address() as AddressInfo).port}`, TOKEN);
    const io = recordingIo();
    const code = await status(
      { data: folder.path, json: false, verbose: true, quiet: false, probe: false },
      io,
      10_000,
    );
    server.close();
    assert.equal(code, 75);
    assert.deepEqual(io.stdout, []);
  });

  it("follows no redirect", async () => {
    let isReached = false;
    const { code, requests } = await ask((request, response) => {
      isReached ||= request.url !== "/status";
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    assert.equal(code, 75);
    assert.equal(isReached, false);
    assert.deepEqual(requests, [`Bearer ${TOKEN}`]);
  });

  it("reads no endless answer", async () => {
    const chunk = "x".repeat(65_536);
    let isCut = false;
    let sent = 0;
    const { code, stderr } = await ask((_, response) => {
      response.on("close", () => isCut = true);
      const more = () => {
        while (!isCut && sent < 256 * 2 ** 20) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    assert.equal(code, 75);
    assert.match(stderr, /another program listens on/);
    assert.ok(sent < 64 * 2 ** 20, `${sent} bytes`);
  });

  it("does not wait for the rest of an answer longer than its time", async () => {
    const { code, stderr } = await ask((_, response) => {
      response.writeHead(200).write("{");
      const drip = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(drip));
    }, { timeoutMs: 200 });
    assert.equal(code, 75);
    assert.match(stderr, /no response from .* within 0.2 s/);
  });

  /** A terminal obeys `ESC ]` and U+009B; U+202E reverses the line. */
  const EVIL = "\u001b]0;owned\u0007\u001b[2J\u009b2J\r\nHealthy\u202e\u{e0041}\u007f";

  it("escapes control characters of a report", async () => {
    const findings = [
      { id: EVIL, what: EVIL, where: EVIL, why: EVIL, status: "pass" },
      { id: "a", what: "a", why: "3", fix: EVIL, status: "pass" },
    ];
    const accounts = [
      { id: EVIL, name: EVIL, state: "ended", end: EVIL },
      { id: "b", state: "running" },
    ];
    const build = { version: EVIL, commit: EVIL, runtime: EVIL, sqlite: EVIL };
    const report = { ...REPORT, build, findings, snapshot: { ...HEALTHY, accounts }, [EVIL]: EVIL };
    const text = await ask(answering(report));
    assert.equal(text.code, 0);
    assert.doesNotMatch(text.stdout, /[^\P{C}\n]/u);
    assert.equal(text.stdout.split("\n").length, 6);

    const json = await ask(answering(report), { json: true });
    assert.doesNotMatch(json.stdout, /\p{C}/u);
    assert.deepEqual(JSON.parse(json.stdout), JSON.parse(JSON.stringify(report)));
  });

  it("believes no answer that is no report", async () => {
    const answers = [
      "",
      "null",
      "[]",
      '{"status":"pass"}',
      JSON.stringify({ ...REPORT, findings: "none" }),
      JSON.stringify({ ...REPORT, status: "fine" }),
      JSON.stringify({ ...REPORT, findings: [null] }),
      JSON.stringify(REPORT).replace('"pass"', "[".repeat(30_000)),
      JSON.stringify(REPORT).replace("{", `{"x":${"[".repeat(15_000)}${"]".repeat(15_000)},`),
    ];
    for (const answer of answers) {
      const { code, stdout } = await ask((_, response) => void response.end(answer), {
        json: true,
      });
      const told = JSON.parse(stdout);
      if (code !== 0) assert.deepEqual([code, told.isRunning], [75, false], answer.slice(0, 50));
    }
  });

  it("does not trust an address that is more than host and port", async () => {
    for (const address of ["127.0.0.1:1@127.0.0.1", "127.0.0.1:1/x?", "x\u001b[2J", ""]) {
      const { code, stderr } = await askAt(address);
      assert.equal(code, 75, address);
      assert.doesNotMatch(stderr, /[^\P{C}\n]/u);
    }
  });
});
