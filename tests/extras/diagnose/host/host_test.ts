import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { healthFinding } from "../../../../src/http/health_finding.ts";
import { type HostFacts, judgeHost } from "../../../../src/extras/diagnose/host/host.ts";

const FACTS: HostFacts = {
  dataDir: "/var/lib/barnacle",
  freeBytes: 9_000_000_000,
  store: { kind: "opens", schema: 2, newest: 2 },
  bot: { kind: "answers", pid: 77, phase: "running", eventLoopLagMs: 12, failed: [] },
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
      "host.eventLoop pass",
      "host.instance pass",
    ]);
  });

  it("passes a machine before the first run", () => {
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
      "another user's directory",
      { dataProblem: { why: "/x; cannot be written to", fix: "give it to us" } },
      "host.data",
      "fail",
      /^\/x; cannot be written to$/,
      /^give it to us$/,
    ],
    [
      "a store that no bot has used",
      { store: { kind: "empty" } },
      "host.store",
      "warn",
      /^it is empty: no bot has run with it; a start begins anew$/,
      /set --data to its directory, or restore a backup$/,
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
      { store: { kind: "refused", why: "a newer Barnacle wrote it", fix: "run that one" } },
      "host.store",
      "fail",
      /newer Barnacle/,
      /^run that one$/,
    ],
    [
      "[checklist 4] a blocked event loop, which cannot block heartbeats",
      {
        bot: { kind: "answers", pid: 7, phase: "running", eventLoopLagMs: 4_200, failed: [] },
      },
      "host.eventLoop",
      "warn",
      /lags 4200 ms; heartbeats do not wait for it/,
      /top/,
    ],
    [
      "a bot that hangs",
      { bot: { kind: "silent", pid: 7, why: "does not answer: no word for 3 s" } },
      "host.bot",
      "fail",
      /^it uses the data directory, and does not answer: no word for 3 s$/,
      /log/,
    ],
    [
      "[O1] a bot whose HTTP port another program has",
      { bot: { kind: "silent", pid: 7, why: "has no HTTP server", fix: "set another port" } },
      "host.bot",
      "fail",
      /^it uses the data directory, and has no HTTP server$/,
      /^set another port$/,
    ],
    [
      "[G11] another instance on this machine",
      { token: { kind: "held", pid: 99, dataDir: "/tmp/old" } },
      "host.instance",
      "fail",
      /^pid 99 runs on this machine with the same bot token, and another data directory$/,
      /kill 99/,
    ],
    [
      "[G11] another instance that does not name its data directory",
      { token: { kind: "held", pid: 99 } },
      "host.instance",
      "fail",
      /^pid 99 runs on this machine with the same bot token$/,
      /kill 99/,
    ],
    [
      "[G11] one that does not say who it is",
      { token: { kind: "held" }, bot: { kind: "none" } },
      "host.instance",
      "fail",
      /a process with an unknown pid runs on this machine with the same bot token$/,
      /stop it/,
    ],
  ];
  for (const [name, facts, id, status, why, fix] of rows) {
    it(`reports ${name}, with the next step`, () => {
      const found = row(facts, id);
      assert.equal(found.status, status);
      assert.match(found.why, why);
      assert.match(found.fix ?? "", fix);
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

  it("does not claim that no bot runs if it cannot tell", () => {
    const { status, why } = row({ bot: { kind: "unknown" } }, "host.bot");
    assert.equal(status, "skipped");
    assert.match(why, /^this system cannot tell whether one runs/);
  });

  it("[G11] does not take a hanging bot for a second instance", () => {
    const { status, why, fix } = row({
      bot: { kind: "silent", pid: 77, why: "does not answer" },
      token: { kind: "held" },
    }, "host.instance");
    assert.deepEqual([status, fix], ["skipped", undefined]);
    assert.match(why, /does not answer; it may be the bot above$/);
  });

  it("names each failed check of the bot, always with the next step", () => {
    const own = [
      ["outbox:dead", /refused these answers/],
      ["outbox:uncertain", /look for them in their channels/],
      ["storage:write", /disk/],
      ["gateway:unreadable", /"Read Message History"/],
      ["gateway:identifyBudget", /why the bot restarts/],
      ["instance:lock", /another program/],
      ["llm:openai/gpt", /^see its log; `barnacle status` shows all checks$/],
    ] as const;
    const failed = own.map(([id]) => healthFinding(id, "2 messages", { status: "warn" }));
    const bot = {
      kind: "answers",
      pid: 7,
      phase: "running",
      eventLoopLagMs: 1,
      failed,
    } as const;
    for (const [name, fix] of own) {
      const found = row({ bot }, `bot.${name}`);
      assert.equal(found.what, "Running bot");
      assert.equal(found.why, `${name}: 2 messages`);
      assert.match(found.fix ?? "", fix);
    }
  });

  it("shows the failed checks of the running bot, and the remedy for a second instance", () => {
    const failed = [
      healthFinding("gateway:connection", "down", { where: "default/0", status: "fail" }),
      healthFinding("instance:lock", "a message of ours that we never sent", { status: "warn" }),
      healthFinding("process:eventLoopLag", 4, { unit: "s", status: "warn" }),
      healthFinding("preflight:discord.token", "refused", { status: "fail" }),
    ];
    const bot = { kind: "answers", pid: 7, phase: "running", eventLoopLagMs: 4_000, failed };
    const facts: HostFacts = { ...FACTS, bot: { ...bot, kind: "answers" } };
    const { status, why } = row(facts, "bot.gateway:connection");
    const down = "gateway:connection: default/0 not connected: many attempts have failed";
    assert.deepEqual([status, why], ["fail", down]);
    assert.match(row(facts, "bot.instance:lock").fix ?? "", /stop it, or reset the token/);
    const lag = judgeHost(facts).filter(({ id, what }) => /event ?loop/i.test(id + what));
    assert.equal(lag.length, 1, "one row of the event loop, not two");
    const again = judgeHost(facts).filter(({ id }) => id.includes("preflight"));
    assert.deepEqual(again, [], "doctor runs these checks itself");
  });

  it("does not take the bot itself for another instance", () => {
    const moved: HostFacts = { ...FACTS, token: { kind: "held", pid: 77 } };
    assert.equal(judgeHost(moved).at(-1)?.status, "pass");
  });
});
