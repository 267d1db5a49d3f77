import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HostFacts, judgeHost } from "../../src/flows/preflight_host.ts";

const FACTS: HostFacts = {
  dataDir: "/var/lib/barnacle",
  freeBytes: 9_000_000_000,
  store: { kind: "opens", schema: 2, newest: 2 },
  bot: { kind: "answers", pid: 77, phase: "running", eventLoopLagMs: 12, troubles: [] },
  token: { kind: "held", pid: 77, dataDir: "/var/lib/barnacle" },
};

function row(facts: Partial<HostFacts>, id: string) {
  const found = judgeHost({ ...FACTS, ...facts }).find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return found;
}

describe("[O3] judgeHost()", () => {
  it("passes a machine where all is well", () => {
    const findings = judgeHost(FACTS);
    assert.deepEqual(findings.map(({ id, status }) => `${id} ${status}`), [
      "host.data pass",
      "host.store pass",
      "host.bot pass",
      "host.eventLoop pass",
      "host.instance pass",
    ]);
  });

  it("passes a machine where nothing has run yet", () => {
    const findings = judgeHost({
      dataDir: "/home/ada/.local/share/barnacle",
      store: { kind: "none" },
      bot: { kind: "none" },
      token: { kind: "free" },
    });
    assert.deepEqual(findings.filter(({ status }) => status !== "pass"), []);
  });

  type Row = readonly [
    name: string,
    facts: Partial<HostFacts>,
    id: string,
    status: "warn" | "fail",
    why: RegExp,
    fix: RegExp,
  ];
  const rows: readonly Row[] = [
    [
      "a directory of somebody else's",
      { dataProblem: "/x cannot be written to; give it to us" },
      "host.data",
      "fail",
      /^\/x cannot be written to$/,
      /^give it to us$/,
    ],
    [
      "a disk that is nearly full",
      { freeBytes: 150_000_000 },
      "host.data",
      "warn",
      /150 MB/,
      /free some space/,
    ],
    [
      "a disk that is full",
      { freeBytes: 1_000_000 },
      "host.data",
      "fail",
      /1 MB/,
      /free some space/,
    ],
    [
      "a store of a newer Barnacle",
      { store: { kind: "refused", why: "a newer Barnacle wrote it; run that one" } },
      "host.store",
      "fail",
      /newer Barnacle/,
      /^run that one$/,
    ],
    [
      "[checklist 4] an event loop that is held up, which cannot hold up heartbeats",
      { bot: { kind: "answers", pid: 7, phase: "running", eventLoopLagMs: 4_200, troubles: [] } },
      "host.eventLoop",
      "warn",
      /lags 4200 ms; heartbeats are sent by a thread of their own/,
      /top/,
    ],
    [
      "a bot that hangs",
      { bot: { kind: "silent", pid: 7, why: "says nothing" } },
      "host.bot",
      "fail",
      /says nothing/,
      /log/,
    ],
    [
      "[G11] another instance on this machine",
      { token: { kind: "held", pid: 99, dataDir: "/tmp/old" } },
      "host.instance",
      "fail",
      /^pid 99 runs here with the same bot token/,
      /kill 99/,
    ],
    [
      "[G11] one that does not say who it is",
      { token: { kind: "held" } },
      "host.instance",
      "fail",
      /does not say who/,
      /stop it/,
    ],
  ];
  for (const [name, facts, id, status, why, fix] of rows) {
    it(`tells ${name}, and what to do`, () => {
      const found = row(facts, id);
      assert.equal(found.status, status);
      assert.match(found.why, why);
      assert.match(found.fix ?? "", fix);
    });
  }

  it("shows what troubles the bot that runs, and names a twin's remedy", () => {
    const troubles = [
      { name: "gateway:connection", isFailure: true, observed: "default/0 down" },
      { name: "instance:lock", isFailure: false, observed: "a message of ours that we never sent" },
      { name: "process:eventLoopLag", isFailure: false, observed: "4 s" },
    ];
    const bot = { kind: "answers", pid: 7, phase: "running", eventLoopLagMs: 4_000, troubles };
    const facts: HostFacts = { ...FACTS, bot: { ...bot, kind: "answers" } };
    assert.equal(row(facts, "bot.gateway:connection").status, "fail");
    assert.match(row(facts, "bot.instance:lock").fix ?? "", /stop it, or make a new token/);
    const lag = judgeHost(facts).filter(({ id, what }) => /event ?loop/i.test(id + what));
    assert.equal(lag.length, 1, "one row of the event loop, not two");
  });

  it("does not take the bot itself for another instance", () => {
    const moved: HostFacts = { ...FACTS, token: { kind: "held", pid: 77 } };
    assert.equal(judgeHost(moved).at(-1)?.status, "pass");
  });
});
