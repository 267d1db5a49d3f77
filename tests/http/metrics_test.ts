import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMetrics } from "../../src/http/metrics.ts";
import type { Snapshot } from "../../src/http/snapshot.ts";
import { another, BUILD, HEALTHY, NOW, only, SERVING } from "../support/bot/health.ts";
import { parsePrometheus } from "../support/bot/prometheus.ts";

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
