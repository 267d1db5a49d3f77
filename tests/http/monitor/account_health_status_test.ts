import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountHealth, statusOf } from "../../../src/http/monitor/account_health.ts";
import type { Snapshot } from "../../../src/http/snapshot.ts";
import { HEALTHY } from "../../support/bot/health.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = 1_750_000_000_000;
type Shards = ReturnType<AccountHealth["snapshot"]>["shards"];

const facts = (shards: readonly object[], { model, fallback, state = "running", whole = {} }: {
  readonly model?: object;
  readonly fallback?: object;
  readonly state?: string;
  /** Of the whole bot. */
  readonly whole?: Partial<Snapshot>;
} = {}) =>
  statusOf(
    {
      ...({} as AccountHealth),
      snapshot: () =>
        ({
          id: "default",
          state,
          end: "the token is wrong",
          findings: [],
          parked: [],
          delayed: [],
          catchUp: { pending: 0, unreadable: [] },
          rest: { invalidRequests: 0, breaker: "closed" },
          shards: shards as unknown as Shards,
        }) as never,
      whole: () => ({ ...HEALTHY, ...whole }),
      models: () => model ? [{ model, fallback }] as never : [],
    },
    "1.2.3",
    "a/b",
    NOW,
  );

describe("[K2] statusOf()", () => {
  it("counts online time from the oldest ready shard, and shows the highest latency", () => {
    const shards = [
      { state: "ready", readyAt: NOW - 10, ack: { at: NOW, intervalMs: 40_000, latencyMs: 40 } },
      { state: "ready", readyAt: NOW - 50, ack: { at: NOW, intervalMs: 40_000, latencyMs: 90 } },
      { state: "backoff", readyAt: NOW - 99, ack: { latencyMs: 999 } },
    ];
    const { warnings, ...rest } = facts(shards, { model: { id: "a/b", openAt: NOW - 5 } });
    sameData(rest, {
      version: "1.2.3",
      modelId: "a/b",
      modelFailsSince: NOW - 5,
      readyAt: NOW - 50,
      latencyMs: 90,
    });
    assert.deepEqual(warnings, ["Connection: waiting before the next attempt"]);
  });

  it("names the fallback that answers for the model of the conversation, and for no other", () => {
    const fallback = { id: "c/d" };
    assert.equal(facts([], { model: { id: "a/b", openAt: 1 }, fallback }).fallbackId, "c/d");
    const other = facts([], { model: { id: "e/f", openAt: 1 }, fallback });
    assert.deepEqual([other.fallbackId, other.modelFailsSince], [undefined, undefined]);
  });

  it("warns of the whole bot's problems: its store, its config and its MCP servers", () => {
    const { warnings } = facts([], {
      whole: {
        store: { ...HEALTHY.store, isFailing: true, isFull: true },
        config: { revision: "a1", loadedAt: NOW, problem: "http.port is no number" },
        mcpServers: [{
          id: "calendar",
          state: "failing",
          tools: 0,
          problem: "it has ended",
          said: [],
        }],
        models: [{ id: "a/b", openAt: NOW - 5 }],
        budgets: [
          { rule: "budgets.total.tokensPerDay", limit: 1, unit: "tokens", used: 2 },
          {
            rule: "budgets.perGuild.tokensPerDay",
            limit: 1,
            unit: "tokens",
            used: 2,
            of: "3",
            name: "Friends",
          },
        ],
      },
    });
    assert.deepEqual(
      warnings.filter((warning) => !/(connected|no shard)/.test(warning)),
      [
        "Config in use: a1 stays in use: http.port is no number",
        "Store: the disk is full",
        "Budget: budgets.perGuild.tokensPerDay: spent: Friends (3): 2 of 1 tokens today",
        "MCP server calendar: it has ended",
      ],
    );
  });

  it("warns of the end of the account", () => {
    assert.match(facts([], { state: "ended" }).warnings.join("\n"), /the token is wrong/);
  });
});
