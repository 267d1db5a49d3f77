import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FromWorker,
  PROTOCOL_VERSION,
  type ShardStart,
  type ToWorker,
} from "../../../../src/discord/gateway/link/protocol.ts";
import { isFromWorker, isToWorker } from "../../../../src/discord/gateway/link/protocol_check.ts";
import { NO_COUNTS } from "../../../../src/discord/gateway/link/counts.ts";
import { channelId, guildId } from "../../../support/discord/builders.ts";
import { gatewayOptions } from "../../../support/gateway/gateway_shard.ts";

const SHARD: ShardStart = {
  id: 0,
  identifyInMs: 0,
  epoch: 0,
  failures: 0,
  isDown: false,
  mustSendPresence: false,
};
const START: Extract<ToWorker, { kind: "start" }> = {
  kind: "start",
  version: PROTOCOL_VERSION,
  options: gatewayOptions("ws://127.0.0.1"),
  shards: [SHARD],
  tick: new SharedArrayBuffer(8),
  forms: [],
};
const FORM = { title: "Which tide?", fields: [] };
const TO_WORKER: readonly ToWorker[] = [
  START,
  { kind: "committed", shardId: 0, number: 1 },
  { kind: "permit", shardId: 0, socket: 1, answer: { kind: "granted" } },
  { kind: "url", url: "ws://127.0.0.1" },
  { kind: "forms", forms: [] },
  { kind: "admit", userId: "1" },
  { kind: "repeats", from: 1, forms: [] },
  { kind: "voice", guildId: guildId("1"), channelId: channelId("2") },
  { kind: "voice", guildId: guildId("1") },
  { kind: "stop" },
];
const FROM_WORKER: readonly FromWorker[] = [
  { kind: "batch", shardId: 0, sentAt: 1, batch: { number: 1, epoch: 1, seq: 1, text: "[]" } },
  {
    kind: "state",
    shardId: 0,
    sentAt: 1,
    state: { state: "ready", readyAt: 1, isDown: false },
    failures: 0,
  },
  { kind: "beat", shardId: 0, sentAt: 1, lateMs: 1 },
  { kind: "session_ended", shardId: 0, sentAt: 1 },
  { kind: "permit_wanted", shardId: 0, sentAt: 1, socket: 1 },
  { kind: "counts", counts: NO_COUNTS },
  { kind: "refused", interactionId: "1" },
  { kind: "log", level: "info", event: "x", fields: {} },
  { kind: "final", shardId: 0, sentAt: 1, plan: { kind: "give_up", exit: false } },
  { kind: "stopped" },
];
const SESSION = { sessionId: "a", resumeUrl: "b", seq: 1 };
const NONSENSE: readonly unknown[] = [
  undefined,
  null,
  "stop",
  [],
  {},
  { kind: "toString" },
  { kind: 1 },
  { kind: "unheard of" },
];

for (
  const [name, isValid, messages] of [
    ["isToWorker()", isToWorker, TO_WORKER],
    ["isFromWorker()", isFromWorker, FROM_WORKER],
  ] as const
) {
  describe(`[G1] ${name}`, () => {
    for (const message of messages) {
      it(`accepts ${message.kind}, and checks each of its fields`, () => {
        assert.equal(isValid(message), true);
        for (const field of Object.keys(message)) {
          assert.equal(isValid({ ...message, [field]: null }), false, field);
        }
      });
    }

    for (const value of NONSENSE) {
      it(`rejects ${JSON.stringify(value)}`, () => assert.equal(isValid(value), false));
    }
  });
}

describe("[G1] isToWorker()", () => {
  it("checks each shard of a start", () => {
    const full = { ...SHARD, session: SESSION, seqCommitted: 1, seqReceived: 2 };
    assert.equal(isToWorker({ ...START, shards: [SHARD, full] }), true);
    assert.equal(isToWorker({ ...START, shards: {} }), false);
    for (const field of Object.keys(full)) {
      assert.equal(isToWorker({ ...START, shards: [SHARD, { ...full, [field]: null }] }), false);
    }
  });

  it("checks each form", () => {
    const form = { customId: "ask:1", channelId: "1", asked: ["2"], expiresAt: 1, form: FORM };
    assert.equal(isToWorker({ kind: "forms", forms: [form, { ...form, asked: "anyone" }] }), true);
    for (const field of ["customId", "channelId", "expiresAt", "form"]) {
      assert.equal(isToWorker({ kind: "forms", forms: [{ ...form, [field]: null }] }), false);
    }
  });

  it("checks the forms of repeated messages", () => {
    const form = { number: 1, key: "1 2", texts: ["{"], parts: [] };
    assert.equal(isToWorker({ kind: "repeats", from: 1, forms: [form] }), true);
    for (const field of ["number", "key", "texts", "parts"]) {
      const forms = [{ ...form, [field]: null }];
      assert.equal(isToWorker({ kind: "repeats", from: 1, forms }), false);
    }
    assert.equal(isToWorker({ kind: "repeats", forms: [form] }), false);
  });

  it("[T3] checks a new presence", () => {
    const activity = { type: "custom", name: "reading" };
    const presence = { status: "idle", activity };
    assert.equal(isToWorker({ kind: "presence", presence }), true);
    assert.equal(isToWorker({ kind: "presence", presence: { status: "idle" } }), true);
    const wrong = [{ activity }, { ...presence, activity: "reading" }, {
      ...presence,
      activity: { name: "reading" },
    }];
    for (const one of wrong) assert.equal(isToWorker({ kind: "presence", presence: one }), false);
  });

  it("checks the presence, and accepts a missing proxy", () => {
    const { options } = START;
    assert.equal(isToWorker({ ...START, options: { ...options, proxy: "http://p" } }), true);
    assert.equal(isToWorker({ ...START, options: { ...options, proxy: 1 } }), false);
    assert.equal(isToWorker({ ...START, options: { ...options, presence: {} } }), false);
  });
});

describe("[G1] isFromWorker()", () => {
  it("checks a batch", () => {
    assert.equal(
      isFromWorker({
        kind: "batch",
        shardId: 0,
        sentAt: 1,
        batch: { number: 1, epoch: 1, seq: "1", text: "" },
      }),
      false,
    );
    assert.equal(
      isFromWorker({
        kind: "batch",
        shardId: 0,
        sentAt: 1,
        batch: { number: 1, epoch: 1, seq: 1, text: [] },
      }),
      false,
    );
  });

  const batch = { number: 1, epoch: 1, seq: 1, text: "[]" };
  const state = { state: "ready", readyAt: 1, isDown: false };
  const optional: readonly [string, (field: unknown) => unknown, unknown][] = [
    [
      "a batch's session",
      (session) => ({ kind: "batch", shardId: 0, sentAt: 1, batch: { ...batch, session } }),
      SESSION,
    ],
    [
      "an ACK",
      (ack) => ({ kind: "state", shardId: 0, sentAt: 1, state: { ...state, ack }, failures: 0 }),
      {
        at: 1,
        intervalMs: 2,
      },
    ],
    [
      "a latency",
      (latencyMs) => ({ kind: "beat", shardId: 0, sentAt: 1, lateMs: 1, latencyMs }),
      5,
    ],
  ];
  for (const [name, message, good] of optional) {
    it(`accepts ${name} or none, and no other type`, () => {
      assert.equal(isFromWorker(message(good)), true);
      assert.equal(isFromWorker(message(undefined)), true);
      for (const bad of [null, "x", {}]) assert.equal(isFromWorker(message(bad)), false);
    });
  }
});
