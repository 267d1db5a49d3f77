import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  createMeter,
  createMetrics,
  createRegistry,
} from "../../src/http/monitor/health_monitor.ts";
import type { Snapshot } from "../../src/http/snapshot.ts";
import { another, BUILD, HEALTHY, NOW, only, SERVING } from "../support/bot/health.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";
import { anyCharacter } from "../support/any_character.ts";
import type { TurnOutcome } from "../../src/core/step.ts";
import { toAccountId } from "../../src/core/discord/ids.ts";
import { ModelError } from "../../src/core/model.ts";
import type { Delivery, OutboxRow } from "../../src/core/outbound/outbound.ts";
import { NO_COUNTS } from "../../src/discord/gateway/link/protocol.ts";
import type { GatewayStats } from "../../src/core/discord/gateway.ts";
import { ACCOUNT, messageId, outboundMessage } from "../support/discord/builders.ts";

const USAGE = { cpuSec: 1.5, diskFreeBytes: 7 };

function read(change: Partial<Snapshot> = {}, metrics = createMetrics(BUILD)) {
  const families = parsePrometheus(metrics.text({ ...HEALTHY, ...change }, USAGE, NOW));
  const value = (name: string, labels: Record<string, string> = {}) =>
    [...families.values()].flatMap(({ samples }) => samples).find((sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    )?.value;
  return { families, value };
}

describe("[O1] createMetrics()", () => {
  it("prints Prometheus's format, with a sentence for each metric", () => {
    const { families } = read();
    assert.ok(families.size > 20);
    for (const [name, { help }] of families) {
      assert.match(name, /^(?:barnacle|process)_/);
      assert.match(help, /^[A-Z0-9].+\.$/);
    }
  });

  it("has no label for an id, a name or a text", () => {
    const metrics = createMetrics(BUILD);
    metrics.resumes.inc({ outcome: "resumed" });
    metrics.disconnects.inc({ code: "4000" });
    metrics.outboxSent.inc({ ack: "response" });
    metrics.discordRequests.inc({ route: "/gateway/bot", method: "GET", status: "2xx" });
    metrics.llmRequests.inc({ provider: "local", model: "x", outcome: "ok" });
    metrics.llmRequestSec.observe(2, { provider: "local", model: "x" });
    metrics.llmTokens.add(7, { provider: "local", model: "x", direction: "output" });
    metrics.decisions.inc({ verdict: "accept", reason: "mentioned" });
    const { families } = read({}, metrics);
    const labels = new Set(
      [...families.values()].flatMap(({ samples }) =>
        samples.flatMap((sample) => Object.keys(sample.labels))
      ),
    );
    const known = "version commit runtime sqlite state outcome code ack reason " +
      "route method status provider model direction le account verdict kind rule";
    assert.deepEqual([...labels].filter((label) => !known.split(" ").includes(label)), []);
    const series = [...families.values()].reduce((sum, { samples }) => sum + samples.length, 0);
    assert.ok(series < 600, `${series} series`);
  });

  it("shows the state of the connection, and none of a disabled account", () => {
    const metrics = createMetrics(BUILD);
    const first = read(only({}), metrics);
    const account = "default";
    assert.equal(first.value("barnacle_gateway_state", { account, state: "ready" }), 1);
    assert.equal(first.value("barnacle_gateway_state", { account, state: "resuming" }), 0);
    const second = read(only({ state: "disabled", connection: undefined }), metrics);
    assert.equal(second.value("barnacle_gateway_state"), undefined);
  });

  it("[C6] shows each account separately, and drops a removed one", () => {
    const metrics = createMetrics(BUILD);
    const work = another({
      state: "ended",
      identify: { left: 3 },
      rest: { isUp: true, invalidRequests: 7, breaker: "closed" },
    });
    const { value } = read({ accounts: [SERVING, work] }, metrics);
    const of = (name: string) => ["default", "work"].map((account) => value(name, { account }));
    assert.deepEqual(of("barnacle_gateway_identify_remaining"), [997, 3]);
    assert.deepEqual(of("barnacle_discord_invalid_requests"), [0, 7]);
    assert.equal(value("barnacle_account_state", { account: "work", state: "ended" }), 1);
    assert.equal(value("barnacle_account_state", { account: "work", state: "running" }), 0);
    const second = read({}, metrics);
    for (const name of ["account_state", "gateway_identify_remaining"]) {
      assert.equal(second.value(`barnacle_${name}`, { account: "work" }), undefined, name);
    }
  });

  it("[X4] shows paused accounts, failing models, budgets and the store", () => {
    const rule = "budgets.total.tokensPerDay";
    const ofGuilds = "budgets.perGuild.tokensPerDay";
    const { value } = read({
      ...only({ paused: { by: "cli", since: NOW } }),
      models: [{ id: "a/b" }, { id: "c/d", openAt: NOW }],
      budgets: [
        { rule, limit: 1_000, used: 800, unit: "tokens" },
        { rule: ofGuilds, limit: 1, used: 2, unit: "tokens", of: "3" },
      ],
      store: { ...HEALTHY.store, isFailing: true },
    });
    assert.equal(value("barnacle_account_paused", { account: "default" }), 1);
    assert.equal(value("barnacle_llm_failing", { model: "a/b" }), 0);
    assert.equal(value("barnacle_llm_failing", { model: "c/d" }), 1);
    assert.equal(value("barnacle_budget_used_ratio", { rule }), 0.8);
    assert.equal(value("barnacle_budget_used_ratio", { rule: ofGuilds }), undefined);
    assert.equal(value("barnacle_storage_failing"), 1);
    assert.equal(read().value("barnacle_account_paused"), 0);
    assert.equal(read().value("barnacle_storage_failing"), 0);
  });

  it("shows the snapshot's queues", () => {
    const { value } = read({
      inbox: { waiting: 3, running: 1, oldestMs: 2_500 },
      outbox: { pending: 4, sending: 2, uncertain: 1, dead: 7, parked: 5, oldestMs: 500 },
      ...only({ rest: { isUp: true, invalidRequests: 12, breaker: "closed" } }),
    });
    assert.equal(value("barnacle_inbox_depth", { state: "waiting" }), 3);
    assert.equal(value("barnacle_inbox_depth", { state: "running" }), 1);
    assert.equal(value("barnacle_inbox_oldest_age_seconds"), 2.5);
    assert.equal(value("barnacle_outbox_depth", { state: "pending" }), 4);
    assert.equal(value("barnacle_outbox_depth", { state: "sending" }), 2);
    assert.equal(value("barnacle_outbox_depth", { state: "uncertain" }), 1);
    assert.equal(value("barnacle_outbox_depth", { state: "dead" }), 7);
    assert.equal(value("barnacle_outbox_depth", { state: "parked" }), 5);
    assert.equal(value("barnacle_discord_invalid_requests"), 12);
    assert.equal(value("barnacle_outbox_oldest_age_seconds"), 0.5);
  });
});

describe("[O1] createRegistry()", () => {
  it("writes counters, gauges and histograms as Prometheus has them", () => {
    const registry = createRegistry<undefined>();
    const sent = registry.counter({ name: "sent_total", help: "Sent.", labels: ["ack"] });
    registry.gauge({ name: "depth", help: "Depth." }, () => [[-1.5]]);
    const wait = registry.histogram({ name: "wait_seconds", help: "Wait.", buckets: [0.1, 1] });
    sent.inc({ ack: "echo" });
    sent.add(2, { ack: "echo" });
    for (const seconds of [0.05, 0.1, 0.5, 7]) wait.observe(seconds);
    assert.equal(
      registry.text(undefined),
      [
        "# HELP sent_total Sent.",
        "# TYPE sent_total counter",
        'sent_total{ack="echo"} 3',
        "# HELP depth Depth.",
        "# TYPE depth gauge",
        "depth -1.5",
        "# HELP wait_seconds Wait.",
        "# TYPE wait_seconds histogram",
        'wait_seconds_bucket{le="0.1"} 2',
        'wait_seconds_bucket{le="1"} 3',
        'wait_seconds_bucket{le="+Inf"} 4',
        "wait_seconds_sum 7.65",
        "wait_seconds_count 4",
        "",
      ].join("\n"),
    );
  });

  it("shows metrics without labels from the start, as 0", () => {
    const registry = createRegistry<undefined>();
    registry.counter({ name: "sent_total", help: "Sent." });
    assert.equal(parsePrometheus(registry.text(undefined)).get("sent_total")?.samples[0]?.value, 0);
  });

  it("stays valid text for any label", () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter, maxLength: 20 }), (value) => {
      const registry = createRegistry<undefined>();
      registry.counter({ name: "x_total", help: "X.", labels: ["why"] }).inc({ why: value });
      const [sample] = parsePrometheus(registry.text(undefined)).get("x_total")?.samples ?? [];
      assert.equal(sample?.labels["why"], value);
    }));
  });

  it("keeps its buckets in rising order, up to the count", () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: 0, max: 200 })), (values) => {
      const registry = createRegistry<undefined>();
      const buckets = [0.1, 1, 10, 100];
      const histogram = registry.histogram({ name: "x_seconds", help: "X.", buckets });
      for (const value of values) histogram.observe(value);
      const { samples = [] } = parsePrometheus(registry.text(undefined)).get("x_seconds") ?? {};
      const counts = samples.filter(({ name }) => name.endsWith("_bucket")).map((s) => s.value);
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
      assert.equal(counts.at(-1), values.length);
      assert.equal(samples.at(-1)?.value, values.length);
    }));
  });
});

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
