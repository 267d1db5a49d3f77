import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LastRun } from "../../../src/store/gateway/gateway.ts";
import {
  describeLastRun,
  hostingOf,
  judgeDisk,
  judgeRuns,
} from "../../../src/flows/preflight/host.ts";

const NOW = Date.UTC(2026, 0, 2);
const MIN = 60_000;
const HOUR = 60 * MIN;

function run(fields: Partial<LastRun> = {}): LastRun {
  return { startedAt: NOW - 3 * HOUR, aliveAt: NOW - 5 * MIN, bootId: "boot-1", ...fields };
}

describe("[O9] describeLastRun()", () => {
  it("reports neither the first run nor a stopped one", () => {
    assert.equal(describeLastRun(undefined, NOW, "boot-1"), undefined);
    assert.equal(describeLastRun(run({ ending: "stopped" }), NOW, "boot-1"), undefined);
    assert.equal(describeLastRun(run({ ending: "stopped" }), NOW, "boot-2"), undefined);
  });

  const CASES: readonly (readonly [
    what: string,
    last: Partial<LastRun>,
    bootId: string | undefined,
    event: RegExp,
  ])[] = [
    ["a kill", {}, "boot-1", /killed or crashed: .*while the machine kept running/],
    ["a kill", {}, "boot1", /killed or crashed: .*while the machine kept running/],
    ["a power cut", {}, "boot-2", /machine went down/],
    ["one of them", {}, undefined, /killed or crashed, or the machine went down/],
    ["one of them", { bootId: undefined }, "boot-1", /killed or crashed, or the machine/],
    ["its own end", { ending: "fault" }, "boot-1", /ended by itself/],
  ];
  for (const [what, last, bootId, event] of CASES) {
    it(`detects ${what} by ${JSON.stringify(last)} and ${bootId}, with its time`, () => {
      const remark = describeLastRun(run(last), NOW, bootId);
      assert.match(remark?.event ?? "", event);
      assert.equal(remark?.fields["lastAlive"], "2026-01-01T23:55:00.000Z");
      assert.equal(remark?.fields["awaySec"], 300);
      assert.equal(remark?.fields["why"], last.ending);
    });
  }
});

describe("[O9] judgeRuns()", () => {
  const silent = (hoursAgo: number, bootId = "boot-1") =>
    run({ aliveAt: NOW - hoursAgo * HOUR, bootId });

  it("passes if all runs were stopped, ended by themselves, or are a day old", () => {
    const runs = [run({ ending: "stopped" }), run({ ending: "fault" }), silent(24), silent(-1)];
    assert.equal(judgeRuns(runs, NOW, "boot-1", undefined).status, "pass");
  });

  it("warns of one or two silent ends, without advice", () => {
    const finding = judgeRuns([silent(1), silent(3)], NOW, "boot-1", undefined);
    assert.equal(finding.status, "warn");
    assert.match(finding.why, /2 times, last at 2026-01-01T23:00:00/);
    assert.equal(finding.fix, undefined);
  });

  it("fails from three silent ends on, and says where to look", () => {
    const finding = judgeRuns([silent(3), silent(1), silent(2)], NOW, "boot-1", undefined);
    assert.equal(finding.status, "fail");
    assert.match(finding.why, /3 times, last at 2026-01-01T23:00:00/);
    assert.match(finding.fix ?? "", /out-of-memory/);
  });

  it("suggests the power supply if the machine goes down", () => {
    const runs = [silent(3, "boot-a"), silent(2, "boot-b"), silent(1)];
    assert.match(judgeRuns(runs, NOW, "boot-1", undefined).fix ?? "", /power supply/);
    const half = [...runs, silent(4)];
    assert.match(judgeRuns(half, NOW, "boot-1", undefined).fix ?? "", /out-of-memory/);
  });

  it("names a host that stops idle services", () => {
    const hosting = hostingOf({ REPL_ID: "x" });
    const finding = judgeRuns([silent(3), silent(2), silent(1)], NOW, "boot-1", hosting);
    assert.equal(finding.where, "Replit (REPL_ID is set)");
    assert.match(finding.fix ?? "", /Replit .*http\.keepAliveUrl/);
    const awake = hosting && { ...hosting, isKeptAwake: true };
    const { fix } = judgeRuns([silent(3), silent(2), silent(1)], NOW, "boot-1", awake);
    assert.match(fix ?? "", /^http\.keepAliveUrl is set/);
  });
});

it("[O9] hostingOf() › recognizes companies that stop idle services by their variables", () => {
  const NAMES = {
    REPL_ID: "Replit",
    SPACE_ID: "Hugging Face Spaces",
    RENDER: "Render",
    RAILWAY_ENVIRONMENT: "Railway",
    RAILWAY_ENVIRONMENT_NAME: "Railway",
    FLY_APP_NAME: "Fly.io",
    DYNO: "Heroku",
  };
  for (const [variable, name] of Object.entries(NAMES)) {
    assert.deepEqual(hostingOf({ [variable]: "x", PATH: "/bin" }), { name, variable });
    assert.equal(hostingOf({ [variable]: "" }), undefined);
  }
});

it("[O3] judgeDisk() › warns of little room, and of a network file system", () => {
  for (
    const [freeBytes, status, why] of [
      [undefined, "skipped", /no room/],
      [268_435_456, "pass", /are free/],
      [268_435_455, "warn", /are free/],
      [20_000_000, "warn", /are free/],
      [19_999_999, "fail", /are free/],
    ] as const
  ) {
    const [space, ...more] = judgeDisk({ path: "/data", ...freeBytes && { freeBytes } });
    assert.deepEqual([space?.status, more], [status, []]);
    assert.match(space?.why ?? "", why);
  }
  const [, system] = judgeDisk({ path: "/data", freeBytes: 9e9, network: "NFS" });
  assert.equal(system?.status, "warn");
  assert.match(
    `${system?.why} → ${system?.fix}`,
    /file system \(NFS\).* → .*a disk of this machine/,
  );
});
