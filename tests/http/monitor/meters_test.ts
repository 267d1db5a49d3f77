import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnOutcome } from "../../../src/core/step.ts";
import { createMeter, createMetrics } from "../../../src/http/metrics.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { ModelError } from "../../../src/core/model.ts";
import type { Delivery, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/link/protocol.ts";
import type { GatewayStats } from "../../../src/core/discord/gateway.ts";
import { ACCOUNT, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { BUILD, HEALTHY, NOW } from "../../support/bot/health.ts";

function setUp() {
  const metrics = createMetrics(BUILD);
  const meter = createMeter(metrics);
  const value = (series: string): number | undefined => {
    const line = metrics.text(HEALTHY, { cpuSec: 0 }, NOW).split("\n")
      .find((one) => one.startsWith(`barnacle_${series} `));
    return line === undefined ? undefined : Number(line.split(" ").at(-1));
  };
  return { meter, value };
}

const row = (fields: Partial<OutboxRow> = {}): OutboxRow => ({
  id: 1,
  message: outboundMessage(),
  fileCount: 0,
  action: { kind: "post" },
  ...fields,
});

const stats = (fields: Partial<GatewayStats>): GatewayStats => ({
  ...NO_COUNTS,
  tickAt: 0,
  compression: "none",
  ...fields,
});

describe("[O2] createMeter()", () => {
  it("adds the growth of the gateway's totals, and nothing twice", () => {
    const { meter, value } = setUp();
    meter.gateway(ACCOUNT, stats({ identifies: 1, disconnects: { 4000: 5 } }));
    meter.gateway(ACCOUNT, stats({ identifies: 1, disconnects: { 4000: 7 } }));
    assert.equal(value("gateway_identify_total"), 1);
    assert.equal(value('gateway_disconnects_total{code="4000"}'), 7);
  });

  it("[C6] adds the counts of several gateways, and of a restarted one", () => {
    const { meter, value } = setUp();
    const work = toAccountId("work");
    meter.gateway(ACCOUNT, stats({ identifies: 5 }));
    meter.gateway(work, stats({ identifies: 2 }));
    meter.gateway(ACCOUNT, stats({ identifies: 6 }));
    meter.gateway(work, stats({ identifies: 2 }));
    assert.equal(value("gateway_identify_total"), 8);
    meter.gateway(ACCOUNT, stats({ identifies: 1 }));
    assert.equal(value("gateway_identify_total"), 9);
  });

  it("[D2] counts confirmed replies by kind of confirmation", () => {
    const { meter, value } = setUp();
    meter.delivery(row(), { kind: "created", messageId: messageId("77") });
    meter.delivery(row({ firstAttemptAt: 1 }), { kind: "already_gone" });
    meter.delivery(row({ firstAttemptAt: 1 }), { kind: "found", messageId: messageId("78") });
    assert.equal(value('outbox_sent_total{ack="response"}'), 1);
    assert.equal(value('outbox_sent_total{ack="unknown_message"}'), 1);
    assert.equal(value('outbox_sent_total{ack="history"}'), 1);
  });

  it("[D2] counts a reply once, whether its echo or Discord's answer comes first", () => {
    const { meter, value } = setUp();
    const created = { kind: "created", messageId: messageId("77") } as const;
    const sent = () =>
      ["response", "unknown_message", "echo"]
        .reduce((sum, ack) => sum + (value(`outbox_sent_total{ack="${ack}"}`) ?? 0), 0);
    meter.settled(2);
    meter.delivery(row(), { ...created, wasEchoed: true });
    meter.delivery(row(), { kind: "already_gone", wasEchoed: true });
    assert.equal(sent(), 2);
    meter.delivery(row(), created);
    assert.equal(sent(), 3);
  });

  const quiet: readonly Delivery[] = [
    { kind: "settled" },
    { kind: "nothing" },
    { kind: "absent" },
    { kind: "uncertain", reason: "…" },
  ];
  it("[D2] counts nothing if no request was sent, or the result is uncertain", () => {
    const { meter, value } = setUp();
    for (const delivery of quiet) meter.delivery(row({ firstAttemptAt: 1 }), delivery);
    for (const ack of ["response", "unknown_message", "history"]) {
      assert.equal(value(`outbox_sent_total{ack="${ack}"}`), undefined);
    }
  });

  const requests = [[200, "2xx"], [429, "4xx"], [503, "5xx"], [undefined, "none"]] as const;
  for (const [status, family] of requests) {
    it(`counts a request that ended with ${status} as ${family}`, () => {
      const { meter, value } = setUp();
      const route = "/channels/{channel}/messages";
      const answered = status === undefined ? {} : { status };
      meter.request({ route, method: "POST", ...answered });
      const labels = `route="${route}",method="POST",status="${family}"`;
      assert.equal(value(`discord_requests_total{${labels}}`), 1);
    });
  }

  const gone = new ModelError("gone", { kind: "unavailable", modelId: "openai/gpt/x" });
  const outcomes: readonly [TurnOutcome, outcome: string][] = [
    [{ kind: "reply", text: "hi" }, "ok"],
    [{ kind: "failed", why: "unexpected", reason: "unavailable", error: gone }, "unavailable"],
    [{ kind: "failed", why: "unexpected", reason: "none", error: new Error("x") }, "timeout"],
    [
      { kind: "failed", why: "unexpected", reason: "unexpected", error: new TypeError("x") },
      "unexpected",
    ],
    [{ kind: "interrupted" }, "interrupted"],
  ];
  for (const [outcome, word] of outcomes) {
    it(`counts a turn as ${word}`, () => {
      const { meter, value } = setUp();
      meter.turn("openai/gpt/x", outcome, 1_000);
      const labels = `provider="openai",model="gpt/x",outcome="${word}"`;
      assert.equal(value(`llm_requests_total{${labels}}`), 1);
    });
  }

  it("[L3] counts a turn for the model that answered it", () => {
    const { meter, value } = setUp();
    const replaced = { model: "openai/gpt", why: "quota", since: 0 } as const;
    const usage = { inputTokens: 11, outputTokens: 3 };
    const reply = { kind: "reply", text: "hi", usage, modelId: "b/y", replaced } as const;
    meter.turn("openai/gpt", reply, 1);
    assert.equal(value('llm_requests_total{provider="b",model="y",outcome="ok"}'), 1);
    assert.equal(value('llm_tokens_total{provider="b",model="y",direction="input"}'), 11);
  });
});
