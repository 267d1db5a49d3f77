import assert from "node:assert/strict";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Finding } from "../../../src/core/finding.ts";
import { inspectHost } from "../../../src/features/diagnose/host_facts.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { acquireLock, acquireTokenLock } from "../../../src/host/locks/lock.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { openStore } from "../../../src/store/store.ts";
import { BUILD, HEALTHY } from "../../support/bot/health.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { listening } from "../../support/network/listening.ts";

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "inspect_host.ts");
const NOW = Date.parse("2026-11-20T12:00:00Z");
const look = (dataDir: string, bot?: string) =>
  inspectHost(dataDir, [{ accountId: ACCOUNT, bot }], NOW);

/** `"fail: why → fix"` of a row. */
function row(findings: readonly Finding[], id: string): string {
  const found = findings.find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return `${found.status}: ${found.why} → ${found.fix}`;
}

/** Runs the code as a process that file modes apply to: root gives up its right to bypass them. */
function lookWithoutRights(
  dataDir: string,
): {
  readonly findings: readonly Finding[];
  readonly code: number;
  readonly stderr: readonly string[];
} {
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const command = [process.execPath, ...run, SCRIPT, dataDir];
  const lesser = "--bounding-set=-dac_override,-dac_read_search";
  const [program = "", ...args] = process.getuid?.() === 0
    ? ["setpriv", lesser, ...command]
    : command;
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  assert.ok(stdout, stderr);
  return JSON.parse(stdout);
}

describe("[O3] inspectHost()", () => {
  it("reads the store while another process writes to it", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, DATABASE_NAME);
    const store = openStore(path, { now: NOW, elapsed: () => performance.now() });
    try {
      await store.gateway.startRun({ runId: "one", startedAt: NOW - 1_000 });
      const { findings, known, isInUse } = await look(folder.path);
      const opened = new RegExp(
        `^pass: it opens \\(schema ${MIGRATIONS.length}\\): \\d+(?:\\.\\d)? [kM]B → `,
      );
      assert.match(row(findings, "host.store"), opened);
      assert.match(row(findings, "host.data"), /^pass: /);
      assert.equal(isInUse, false);
      assert.equal(known?.accounts.get(ACCOUNT)?.budget.left, 1_000);
      assert.deepEqual(known?.runs.map(({ runId }) => runId), ["one"]);
      await store.gateway.endRun("one", "stopped", NOW); // the store is still writable
    } finally {
      store.close();
    }
  });

  it("[X2] reports an empty store, another program's, and a copy that lacks its log, as a start does", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, DATABASE_NAME);
    writeFileSync(path, "");
    const shown = async () => row((await look(folder.path)).findings, "host.store");
    assert.match(
      await shown(),
      /^warn: it is empty: no bot .*; a start begins anew → .* a backup$/,
    );

    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE theirs (id)");
    assert.match(await shown(), /^fail: .*belongs to another program/);

    database.close();

    const elsewhere = join(folder.path, "elsewhere");
    const running = new DatabaseSync(elsewhere);
    running.exec("PRAGMA journal_mode = WAL; CREATE TABLE ours (id)");
    copyFileSync(elsewhere, path);
    running.close();
    rmSync(elsewhere);
    assert.match(await shown(), /^fail: .*is a copy without its log/);
    writeFileSync(path, "x".repeat(10_000));
    assert.match(await shown(), /^fail: damaged.* → .*`barnacle restore <file> --force`/);
    assert.deepEqual(readdirSync(folder.path), [DATABASE_NAME]);
  });

  const canLookAway = process.getuid?.() !== 0 || spawnSync("setpriv", ["--version"]).status === 0;
  it(
    "does not say that there is nothing where this user may not look",
    skipUnless(canLookAway, "no setpriv, and root may look everywhere"),
    async () => {
      using folder = tempDirectory();
      const dataDir = join(folder.path, "data");
      mkdirSync(dataDir);
      const lock = await acquireLock(join(dataDir, "lock"), NOW);
      writeFileSync(join(dataDir, DATABASE_NAME), "", { mode: 0o600 });
      chmodSync(dataDir, 0);
      try {
        const { findings, code, stderr } = lookWithoutRights(dataDir);
        const fix =
          /→ run this as the user that runs Barnacle, for example with sudo, or .*--data$/;
        for (const id of ["host.store", "host.bot"]) {
          assert.match(row(findings, id), /^skipped: this user has no permission to read it/);
          assert.match(row(findings, id), fix);
        }
        assert.match(row(findings, "host.data"), fix);
        assert.equal(code, 74);
        assert.match(stderr.join(""), /this user may not read the data directory/);
      } finally {
        chmodSync(dataDir, 0o700);
        if (lock.kind === "held") lock.release();
      }
    },
  );

  it("[X2] rejects a file as a data directory", async () => {
    using folder = tempDirectory();
    mkdirSync(join(folder.path, "d"));
    writeFileSync(join(folder.path, "d", "file"), "", { mode: 0o600 });
    const { findings } = await look(join(folder.path, "d", "file"));
    assert.match(row(findings, "host.data"), /^fail: .* is not writable/);
  });

  it("[G11] reports another instance on this machine, and not the bot itself", async () => {
    using folder = tempDirectory();
    const lock = await acquireTokenLock("a-token", { startedAt: NOW, dataDir: "/tmp/old" });
    assert.ok(lock.kind === "held");
    const own = (await look("/tmp/old", "a-token")).findings;
    assert.match(row(own, "host.instance"), /^pass: pid \d+ is the only process/);
    const { findings } = await look(folder.path, "a-token");
    lock.release();
    assert.match(
      row(findings, "host.instance"),
      /^fail: pid \d+ runs .* the same bot token, and another data .* → .*kill \d+/,
    );
    const free = (await look(folder.path, "a-token")).findings;
    assert.match(row(free, "host.instance"), /^pass: no other process/);
  });

  it("shows the checks of the running bot that do not pass, and its event loop", async () => {
    using folder = tempDirectory();
    const lock = await acquireLock(join(folder.path, "lock"), NOW);
    assert.ok(lock.kind === "held");
    const finding = (id: string, status: Finding["status"]) => ({ id, what: id, status, why: "…" });
    const told = [
      finding("gateway:connection", "fail"),
      finding("instance:lock", "warn"),
      finding("gateway:latency", "pass"),
      finding("process:eventLoopLag", "pass"),
    ];
    const report = { status: "fail", build: BUILD, at: NOW, snapshot: HEALTHY, findings: told };
    const server = createServer((_, response) => response.end(JSON.stringify(report)));
    const port = await listening(server);
    lock.setHttp(`127.0.0.1:${port}`, "k".repeat(64));
    const view = await look(folder.path);
    server.close();
    lock.release();
    assert.match(row(view.findings, "host.bot"), /^pass: it is running/);
    assert.deepEqual(view.findings.map(({ id }) => id).slice(3), [
      "gateway:connection",
      "instance:lock",
      "process:eventLoopLag",
    ]);
    assert.deepEqual([view.told.length, view.isInUse], [4, true]);
  });
});
