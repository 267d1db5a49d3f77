import assert from "node:assert/strict";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Finding } from "../../../src/core/finding.ts";
import {
  type HostFacts,
  inspectHost,
  judgeHost,
} from "../../../src/features/diagnose/host_facts.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "inspect_host.ts");
const NOW = Date.parse("2026-11-20T12:00:00Z");
const look = (dataDir: string) =>
  inspectHost({ dataDir, accounts: [{ accountId: ACCOUNT }], now: NOW });

/** Runs the code as a process that file modes apply to: root gives up its right to bypass them. */
function lookWithoutRights(
  dataDir: string,
): { readonly facts: HostFacts; readonly code: number; readonly stderr: readonly string[] } {
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
      const { facts, known } = await look(folder.path);
      const newest = MIGRATIONS.length;
      assert.ok(facts.store.kind === "opens");
      const { extent, ...opened } = facts.store;
      assert.deepEqual(opened, { kind: "opens", schema: newest, newest });
      assert.match(extent ?? "", /^\d+(?:\.\d)? [kM]B$/);
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
    const { facts: { store: empty } } = await look(folder.path);
    assert.deepEqual(empty, { kind: "empty" });

    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE theirs (id)");
    const { facts: { store: foreign } } = await look(folder.path);
    assert.ok(foreign.kind === "refused");
    assert.match(foreign.why, /belongs to another program/);

    database.close();

    const elsewhere = join(folder.path, "elsewhere");
    const running = new DatabaseSync(elsewhere);
    running.exec("PRAGMA journal_mode = WAL; CREATE TABLE ours (id)");
    copyFileSync(elsewhere, path);
    running.close();
    rmSync(elsewhere);
    const { facts: { store: copy } } = await look(folder.path);
    assert.ok(copy.kind === "refused");
    assert.match(copy.why, /is a copy without its log/);
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
        const { facts, code, stderr } = lookWithoutRights(dataDir);
        assert.deepEqual([facts.store, facts.bot], [{ kind: "hidden" }, { kind: "hidden" }]);
        assert.match(facts.dataProblem?.fix ?? "", /^run this as the user that runs Barnacle/);
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
    const { facts } = await look(join(folder.path, "d", "file"));
    assert.ok(facts.dataProblem !== undefined);
  });
});

const FACTS: HostFacts = {
  dataDir: "/var/lib/barnacle",
  disk: { path: "/var/lib/barnacle", freeBytes: 9_000_000_000 },
  store: { kind: "opens", schema: 2, newest: 2 },
  bot: { kind: "answers", pid: 77, phase: "running", findings: [] },
  token: { kind: "held", pid: 77, dataDir: "/var/lib/barnacle" },
};

function row(facts: Partial<HostFacts>, id: string) {
  const found = judgeHost({ ...FACTS, ...facts }).find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return found;
}

describe("[O3] judgeHost()", () => {
  it("passes a healthy machine", () => {
    const findings = judgeHost(FACTS);
    assert.deepEqual(findings.map(({ id, status }) => `${id} ${status}`), [
      "host.data pass",
      "host.store pass",
      "host.bot pass",
      "host.instance pass",
    ]);
  });

  const rows: readonly (readonly [name: string, facts: Partial<HostFacts>, shown: RegExp])[] = [
    [
      "a store that no bot has used",
      { store: { kind: "empty" } },
      /^host\.store warn: it is empty: no bot .*; a start begins anew → .* or restore a backup$/,
    ],
    [
      "a data directory on a network file system",
      { disk: { path: "/data", freeBytes: 9e9, network: "NFS" } },
      /^host\.fileSystem warn: .*network file system \(NFS\).* → .*a disk of this machine/,
    ],
    [
      "[G11] another instance on this machine",
      { token: { kind: "held", pid: 99, dataDir: "/tmp/old" } },
      /^host\.instance fail: pid 99 runs .* the same bot token, and another data .* → .*kill 99/,
    ],
  ];
  for (const [name, facts, expected] of rows) {
    it(`reports ${name}, with the next step`, () => {
      const shown = judgeHost({ ...FACTS, ...facts }).map(({ id, status, why, fix }) =>
        `${id} ${status}: ${why} → ${fix}`
      );
      assert.equal(shown.filter((one) => expected.test(one)).length, 1, shown.join("\n"));
    });
  }

  it("skips checks without permission, and names the right user", () => {
    const facts: Partial<HostFacts> = { store: { kind: "hidden" }, bot: { kind: "hidden" } };
    for (const id of ["host.store", "host.bot"]) {
      const { status, why, fix = "" } = row(facts, id);
      assert.deepEqual([status, why], ["skipped", "this user has no permission to read it"]);
      assert.match(fix, /as the user that runs Barnacle, for example with sudo, or .*--data$/);
    }
  });

  it("shows the checks of the running bot that do not pass, and its event loop", () => {
    const finding = (id: string, status: Finding["status"]) => ({ id, what: id, status, why: "…" });
    const findings = [
      finding("gateway:connection", "fail"),
      finding("instance:lock", "warn"),
      finding("gateway:latency", "pass"),
      finding("process:eventLoopLag", "pass"),
    ];
    const bot = { kind: "answers", pid: 7, phase: "running", findings } as const;
    const shown = judgeHost({ ...FACTS, bot }).map(({ id }) => id);
    assert.deepEqual(shown.slice(3, 6), [
      "gateway:connection",
      "instance:lock",
      "process:eventLoopLag",
    ]);
  });

  it("does not take the bot itself for another instance", () => {
    const moved: HostFacts = { ...FACTS, token: { kind: "held", pid: 77 } };
    assert.equal(judgeHost(moved).at(-1)?.status, "pass");
  });
});
