import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { initialState, type Phase } from "../../../../src/discord/gateway/lifecycle/state.ts";
import {
  gatewayUrl,
  identifyPayload,
  presencePayload,
  resumePayload,
  toShardState,
} from "../../../../src/discord/gateway/socket/wire.ts";
import type { Presence } from "../../../../src/core/discord/presence.ts";
import { gatewayOptions, TOKEN } from "../../../support/gateway/gateway_shard.ts";
import { sameData } from "../../../support/same_data.ts";

const STATE = initialState({ monotonicMs: 0, wallMs: 5 });

describe("[G8] gatewayUrl()", () => {
  it("asks for version 10, JSON and, if wanted, compression", () => {
    const plain = "wss://gateway.example/?v=10&encoding=json";
    assert.equal(gatewayUrl("wss://gateway.example", false).href, plain);
    assert.equal(
      gatewayUrl("wss://gateway.example?v=9", true).href,
      `${plain}&compress=zlib-stream`,
    );
  });

  it("rejects a text that is no URL", () => {
    assert.throws(() => gatewayUrl("gateway.example", false), TypeError);
  });
});

describe("[G2] identifyPayload()", () => {
  it("contains the fields that Discord requires, below its 4,096 bytes", () => {
    const options = gatewayOptions("ws://127.0.0.1", { intents: 513, shardCount: 4 });
    const payload = identifyPayload(options, 3);
    const text = JSON.stringify(payload);
    assert.ok(text.length < 4_096);
    const { token, intents, properties, shard } = JSON.parse(text);
    assert.deepEqual([token, intents, shard], [TOKEN, 513, [3, 4]]);
    assert.deepEqual(Object.keys(properties), ["os", "browser", "device"]);
  });
});

describe("[G2] presencePayload()", () => {
  it("shows the activity as a custom status", () => {
    const reading = { type: "custom", name: "reading" } as const;
    assert.deepEqual(presencePayload({ status: "idle", activity: reading }), {
      since: null,
      activities: [{ name: "Custom Status", type: 4, state: "reading" }],
      status: "idle",
      afk: false,
    });
    assert.deepEqual(presencePayload({ status: "invisible" }), {
      since: null,
      activities: [],
      status: "invisible",
      afk: false,
    });
  });

  it("[T3] shows other activities by their kind, and links only if given", () => {
    const of = (activity: NonNullable<Presence["activity"]>) =>
      Object(presencePayload({ status: "online", activity }))["activities"][0];
    sameData(of({ type: "watching", name: "the tide" }), { name: "the tide", type: 3 });
    const url = "https://www.twitch.tv/krill";
    assert.deepEqual(of({ type: "streaming", name: "tides", url }), {
      name: "tides",
      type: 1,
      url,
    });
  });

  it("is part of IDENTIFY", () => {
    const options = gatewayOptions("ws://127.0.0.1", { presence: { status: "dnd" } });
    const payload = JSON.parse(JSON.stringify(identifyPayload(options, 0)));
    assert.deepEqual(payload.presence, presencePayload({ status: "dnd" }));
    assert.deepEqual(payload.shard, [0, 1]);
  });
});

describe("[G5] resumePayload()", () => {
  it("contains token, session and sequence number", () => {
    assert.deepEqual(resumePayload("t", "s", 3), { token: "t", session_id: "s", seq: 3 });
  });
});

describe("[O1] toShardState()", () => {
  const states: readonly [Phase, string][] = [
    [{ kind: "waiting", intent: "resume", untilMs: 1 }, "backoff"],
    [{ kind: "connecting", intent: "resume", untilMs: 1 }, "connecting"],
    [{ kind: "greeting", intent: "resume", untilMs: 1 }, "connecting"],
    [{ kind: "permitting" }, "identifying"],
    [{ kind: "identifying", untilMs: 1 }, "identifying"],
    [{ kind: "resuming", untilMs: 1 }, "resuming"],
    [{ kind: "ready", sinceMs: 1 }, "ready"],
    [{ kind: "final", plan: { kind: "give_up", exit: true } }, "fatal"],
  ];
  for (const [phase, state] of states) {
    it(`calls ${phase.kind} ${state}`, () => {
      sameData(toShardState({ ...STATE, phase }), { state, readyAt: 5, isDown: false });
    });
  }

  it("shows why an IDENTIFY waits, and only then", () => {
    const phase: Phase = { kind: "waiting", intent: "identify", untilMs: 1 };
    assert.equal(
      toShardState({ ...STATE, phase: { ...phase, waitReason: "budget" } }).waits,
      "budget",
    );
    assert.equal(toShardState({ ...STATE, phase }).waits, undefined);
  });

  it("shows the last ACK and whether the account is down", () => {
    const ack = { at: 9, intervalMs: 40_000 };
    assert.deepEqual(toShardState({ ...STATE, ack, isDown: true }).ack, ack);
    assert.equal(toShardState({ ...STATE, isDown: true }).isDown, true);
  });
});
