import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DOCTOR_CHECKS } from "../../src/extras/diagnose/doctor_checks.ts";
import {
  type Check,
  type CheckCode,
  checkOf,
  type CheckRunner,
  CHECKS,
  figureText,
  runChecks,
} from "../../src/core/checks.ts";
import { PREFLIGHT_CHECKS } from "../../src/flows/preflight/connection_state.ts";
import { TOKEN_CHECK } from "../../src/flows/preflight/discord.ts";
import { NETWORK_CHECK } from "../../src/flows/preflight/network.ts";
import { HEALTH_CHECKS, judgeHealth } from "../../src/http/checks.ts";
import { HEALTHY, NOW } from "../support/bot/health.ts";

describe("[O1] figureText()", () => {
  const rows: readonly [
    name: string,
    value: string | number,
    unit: string | undefined,
    text: string,
  ][] = [
    ["llm:openai/gpt-5", "closed", undefined, "no failed requests"],
    ["llm:openai/gpt-5", "open", undefined, "its last requests failed"],
    [
      "llm:openai/gpt-5",
      "open; check the API key; add credit",
      undefined,
      "its last requests failed; check the API key; add credit",
    ],
    ["gateway:connection", "ready", undefined, "connected"],
    ["gateway:connection", "backoff", undefined, "waiting before the next attempt"],
    ["gateway:connection", "constructor", undefined, "constructor"],
    ["gateway:compression", "none", undefined, "off"],
    ["gateway:heartbeatAckAge", 12.345, "s", "12 s ago"],
    ["gateway:heartbeatAckAge", 130, "s", "2 min ago"],
    ["gateway:latency", 42.26, "ms", "42 ms"],
    ["gateway:identifyBudget", 997, "remaining/24h", "997 sessions left for 24 h"],
    ["gateway:catchUp", 0, "channels", "complete"],
    ["gateway:catchUp", 1, "channels", "1 channel still to read"],
    ["rest:invalidRequests", 3, "in 10 min", "3 in 10 min"],
    ["storage:write", 0.4, "ms", "0.4 ms"],
    ["storage:write", 3.27, "ms", "3.3 ms"],
    ["storage:write", 1_530, "ms", "1.5 s"],
    ["inbox:oldest", 0, "s", "nothing waits"],
    ["outbox:oldest", 200, "s", "waits for 3 min"],
    ["outbox:depth", 1, "messages", "1 message"],
    ["outbox:depth", 0, "messages", "0 messages"],
    ["process:uptime", 9_000, "s", "2 h 30 min"],
    ["process:eventLoopLag", 0.004, "s", "4 ms"],
    ["process:rss", 81_788_928, "bytes", "81.8 MB"],
    ["config:current", "3f2c1aa0", undefined, "3f2c1aa0"],
  ];
  for (const [name, figure, unit, text] of rows) {
    it(`writes ${name} ${figure} ${unit ?? ""} as ${text}`, () => {
      assert.equal(figureText(name, figure, unit), text);
    });
  }

  it("writes no value of a healthy bot as an alarm, a long fraction or bytes", () => {
    for (const check of judgeHealth(HEALTHY, NOW)) {
      assert.doesNotMatch(check.why, /closed|none|\d\.\d\d|bytes|undefined/, check.id);
    }
  });
});

describe("[O3] CHECKS", () => {
  it("lists each check of the running bot as one of health", () => {
    for (const { id } of judgeHealth(HEALTHY, NOW)) {
      assert.ok(checkOf(id)?.runs.includes("health"), id);
    }
    assert.ok(checkOf("preflight:discord.token")?.runs.includes("health"));
    assert.equal(checkOf("constructor"), undefined);
  });

  const codeOf = {
    health: HEALTH_CHECKS,
    doctor: DOCTOR_CHECKS,
    preflight: PREFLIGHT_CHECKS,
    netcheck: [NETWORK_CHECK],
    invite: [TOKEN_CHECK],
  } satisfies Partial<Record<CheckRunner, readonly CheckCode<never, unknown>[]>>;
  const ids = (codes: readonly Pick<CheckCode<never, unknown>, "checks">[]) =>
    codes.flatMap(({ checks }) => checks);

  for (const runner of ["health", "preflight", "netcheck", "invite"] as const) {
    it(`has code for each check of ${runner}, once`, () => {
      const listed = Object.entries<Check>(CHECKS).filter(([, { runs }]) => runs.includes(runner));
      const own = ids(codeOf[runner]).filter((id) => checkOf(id)?.runs.includes(runner));
      assert.deepEqual(own.toSorted(), listed.map(([id]) => id).sort());
    });
  }

  it("has code for each check of doctor, which reads those of the config and of health", () => {
    const elsewhere = new Set<CheckRunner>(["audit", "health"]);
    const lookedAtItself = new Set(["embedding", "mcp"]); // also without a running bot
    const listed = Object.entries<Check>(CHECKS).filter(([id, { runs }]) =>
      runs.includes("doctor") && (lookedAtItself.has(id) || !runs.some((one) => elsewhere.has(one)))
    );
    const own = ids(codeOf.doctor).filter((id) => checkOf(id));
    assert.deepEqual(own.toSorted(), listed.map(([id]) => id).sort());
  });

  it("runs of a list what belongs to the runner, each when its result is asked for", () => {
    const ran: string[] = [];
    const code = (...checks: string[]) => ({ checks, run: () => ran.push(checks[0]!) });
    const codes = [code("network.clock"), code("host.data"), code("own.check"), code("model")];
    const running = runChecks("preflight", codes, undefined);
    running.next();
    assert.deepEqual(ran, ["network.clock"]);
    running.next();
    assert.deepEqual(ran, ["network.clock", "model"]);
    assert.equal([...runChecks("doctor", codes, undefined)].length, 4);
    assert.equal([...runChecks("health", codes, undefined)].length, 0);
  });

  it("gives a check at least one runner", () => {
    for (const [id, { runs }] of Object.entries(CHECKS)) assert.ok(runs.length > 0, id);
  });
});
