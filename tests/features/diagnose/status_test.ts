import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileSync } from "node:fs";
import { status } from "../../../src/features/diagnose/status.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import type { Finding } from "../../../src/core/finding.ts";
import { judgeHealth } from "../../../src/http/checks.ts";
import { another, BUILD, HEALTHY, NOW, SERVING } from "../../support/bot/health.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { listening } from "../../support/network/listening.ts";

const KEY = "k".repeat(64);
const REPORT = {
  status: "pass",
  build: BUILD,
  at: NOW,
  snapshot: HEALTHY,
  findings: judgeHealth(HEALTHY, NOW),
};

/** Runs the command on a data directory. */
async function run(data: string, flags: object = {}, timeoutMs?: number) {
  const io = recordingIo();
  const none = { json: false, verbose: false, quiet: false, probe: false };
  const code = await status({ data, ...none, ...flags }, io, timeoutMs);
  return { code, ...io };
}

/** A server on this machine, by its address. */
async function serve(answer: RequestListener) {
  const server = createServer(answer);
  const port = await listening(server);
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function lockIn(data: string) {
  const lock = await acquireLock(join(data, "lock"), Date.now());
  assert.ok(lock.kind === "held");
  return Object.assign(lock, { [Symbol.dispose]: () => lock.release() });
}

/** Runs the command against a bot with this answer, found by its lock file. */
async function ask(
  answer: RequestListener,
  { timeoutMs, isKilled = false, ...flags }: {
    readonly verbose?: boolean;
    /** Whether the bot no longer holds its lock file, which still has its address. */
    readonly isKilled?: boolean;
    readonly timeoutMs?: number;
    readonly quiet?: boolean;
  } = {},
) {
  using folder = tempDirectory();
  await using server = await serve(answer);
  using lock = await lockIn(folder.path);
  const config = join(folder.path, "config.jsonc");
  writeFileSync(config, "{}", { mode: 0o600 });
  lock.setHttp(server.host, KEY);
  if (isKilled) lock.release();
  return await run(folder.path, { verbose: true, config, ...flags }, timeoutMs);
}

/** A line for each check, and one for its fix. */
const linesOf = (findings: readonly Finding[]) =>
  findings.length + findings.filter(({ fix }) => fix !== undefined).length;

const answering = (report: object): RequestListener => (_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(report));
};

describe("[O1] barnacle status", () => {
  it("[X4] says first that people have paused the bot, unless something is broken", async () => {
    const paused = {
      id: "account:paused",
      what: "Pause",
      where: "default",
      why: "since today",
      status: "warn",
    };
    const first = async (status: string, findings: readonly object[]) =>
      (await ask(answering({ ...REPORT, status, findings }))).stdout[0] ?? "";
    assert.match(await first("warn", [paused]), /^Paused: running, Barnacle /);
    assert.match(await first("fail", [paused]), /^Does not work as it should: /);
    const other = { ...paused, where: "work" };
    assert.match(await first("warn", [other]), /^Works, with warnings: /);
  });

  it("leaves out the checks that pass, without --verbose, and says how many", async () => {
    const warns = { ...REPORT.findings[0], status: "warn" };
    const report = { ...REPORT, status: "warn", findings: [...REPORT.findings.slice(1), warns] };
    const { stdout } = await ask(answering(report), { verbose: false });
    assert.equal(stdout.length, 4);
    assert.match(stdout[2] ?? "", /^warn /);
    const passed = report.findings.length - 1;
    assert.equal(stdout[3], `      ${passed} checks pass; --verbose shows them`);
  });

  it("[C6] prints a line for each of several accounts, and the account of each check", async () => {
    const snapshot = {
      ...HEALTHY,
      accounts: [
        { ...SERVING, name: "Harbour" },
        another({ state: "ended", end: "Discord refused the token" }),
        another({ id: "spare", state: "disabled", connection: undefined }),
      ],
    };
    const report = { ...REPORT, snapshot, findings: judgeHealth(snapshot, NOW) };
    const { stdout } = await ask(answering(report));
    assert.deepEqual(stdout.slice(2, 5).map((line) => line.trim().split(/ {2,}/)), [
      ["default (Harbour)", "running"],
      ["work", "ended: Discord refused the token"],
      ["spare", "disabled"],
    ]);
    assert.equal(stdout.length, 5 + linesOf(report.findings));
    assert.ok(stdout.some((line) => /^ok +Catch-up +default: complete$/.test(line)));
    assert.ok(stdout.some((line) => /^warn +Account +work: Discord refused/.test(line)));
  });

  it("distinguishes a slow bot from a stopped one", async () => {
    const slow = await ask(() => {}, { timeoutMs: 50 });
    assert.equal(slow.code, 75);
    assert.match(slow.stderr.join(""), /does not answer: no response from .* within 0.05 s/);
    const gone = await ask((request) => void request.socket.destroy(), { timeoutMs: 60_000 });
    assert.equal(gone.code, 75);
    assert.match(gone.stderr.join(""), /does not answer: nothing listens on/);
  });

  it("[O7] does not ask the address of a bot that was killed: another bot may have it", async () => {
    const { code, stdout, stderr } = await ask(answering(REPORT), { isKilled: true });
    assert.equal(code, 75);
    assert.deepEqual(stdout, []);
    assert.match(stderr.join(""), /no bot runs with the data in/);
  });

  it("without a bot, shows what the store knows, and exits with 75", async () => {
    const fixture = createDataFixture();
    await fixture.fill((store) => store.settings.backups());
    const { code, stdout, stderr } = await run(fixture.flags.data, fixture.flags);
    assert.equal(code, 75);
    const titles = stdout.map((line) => line.trim().split(/ {2,}/)[0]);
    assert.deepEqual(titles, ["Use", "Last answer", "Backup", "Servers", "Store"]);
    assert.match(stderr.join(""), /^barnacle: no bot runs with the data in/);
    removeDataFixtures();
  });

  it("[X2] without a bot, names a store that it cannot read", async () => {
    using folder = tempDirectory();
    writeFileSync(join(folder.path, "barnacle.db"), "");
    const { code, stdout, stderr } = await run(folder.path);
    assert.equal(code, 75);
    assert.match(stdout.join(), /^ +Store +The database .* is empty: no bot has run with it/);
    assert.match(stderr.join(), /^barnacle: no bot runs with the data in/);
  });

  it("[O7] waits for a bot that has just started, but not for ever", async () => {
    using folder = tempDirectory();
    await using server = await serve(answering(REPORT));
    using lock = await lockIn(folder.path);
    const { code, stderr } = await run(folder.path, {}, 50);
    assert.equal(code, 75);
    assert.match(stderr.join(), /does not listen yet/);
    const asked = run(folder.path, {}, 60_000);
    await sleep(50); // it has looked once
    lock.setHttp(server.host, KEY);
    assert.equal((await asked).code, 0);
  });
});

describe("[O8] barnacle status --quiet", () => {
  const ending = (status: "pass" | "warn" | "fail") => {
    const [first, ...others] = REPORT.findings;
    const findings = [{ ...first, status, where: "work" }, ...others];
    return answering({ ...REPORT, status, findings });
  };

  it("prints one line with the checks that do not pass; only failures exit with 1", async () => {
    const cases = {
      pass: /^Healthy$/,
      warn: /^Works, with warnings; /,
      fail: /^Does not work as /,
    };
    for (const [status, says] of Object.entries(cases) as [keyof typeof cases, RegExp][]) {
      const { code, stdout, stderr } = await ask(ending(status), { quiet: true });
      assert.equal(code, status === "fail" ? 1 : 0);
      assert.equal(stdout.length, 1);
      assert.match(stdout[0] ?? "", says);
      const named = `; ${REPORT.findings[0]?.id} (work): `;
      if (status !== "pass") assert.ok(stdout[0]?.includes(named), stdout[0]);
      assert.deepEqual(stderr, []);
    }
  });
});
