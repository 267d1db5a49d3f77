import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkOf, CHECKS, figureText } from "../../src/core/checks.ts";
import { judge } from "../../src/http/checks.ts";
import { HEALTHY, NOW } from "../support/bot/health.ts";

describe("[O1] figureText()", () => {
  const rows: readonly [
    name: string,
    value: string | number,
    unit: string | undefined,
    text: string,
  ][] = [
    ["llm:openai/gpt-5", "closed", undefined, "available"],
    ["llm:openai/gpt-5", "open", undefined, "its last requests failed"],
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
    ["process:rss", 81_788_928, "bytes", "78 MiB"],
    ["config:current", "3f2c1aa0", undefined, "3f2c1aa0"],
  ];
  for (const [name, figure, unit, text] of rows) {
    it(`writes ${name} ${figure} ${unit ?? ""} as ${text}`, () => {
      assert.equal(figureText(name, figure, unit), text);
    });
  }

  it("writes no value of a healthy bot as an alarm, a long fraction or bytes", () => {
    for (const check of judge(HEALTHY, NOW)) {
      assert.doesNotMatch(check.why, /closed|none|\d\.\d\d|bytes|undefined/, check.id);
    }
  });
});

describe("[O3] CHECKS", () => {
  it("lists each check of the running bot as one of health", () => {
    for (const { id } of judge(HEALTHY, NOW)) {
      assert.ok(checkOf(id)?.runs.includes("health"), id);
    }
    assert.ok(checkOf("preflight:discord.token")?.runs.includes("health"));
    assert.equal(checkOf("constructor"), undefined);
  });

  it("gives a check at least one runner", () => {
    for (const [id, { runs }] of Object.entries(CHECKS)) assert.ok(runs.length > 0, id);
  });
});
