import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkText } from "../../src/http/check_text.ts";
import { judge } from "../../src/http/checks.ts";
import { HEALTHY, NOW } from "../support/bot/health.ts";

describe("[O1] checkText()", () => {
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
  for (const [name, observedValue, observedUnit, text] of rows) {
    it(`writes ${name} ${observedValue} ${observedUnit ?? ""} as ${text}`, () => {
      assert.equal(
        checkText({ name, observedValue, ...(observedUnit !== undefined && { observedUnit }) }),
        text,
      );
    });
  }

  it("writes no value of a healthy bot as an alarm, a long fraction or bytes", () => {
    for (const check of judge(HEALTHY, NOW)) {
      assert.doesNotMatch(checkText(check), /closed|none|\d\.\d\d|bytes|undefined/, check.name);
    }
  });
});
