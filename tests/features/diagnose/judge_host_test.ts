import assert from "node:assert/strict";
import type { Finding } from "../../../src/core/finding.ts";
import { describe, it } from "node:test";
import { type HostFacts, judgeHost } from "../../../src/features/diagnose/host_facts.ts";

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
