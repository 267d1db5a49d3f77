import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FromWorker,
  isFromWorker,
  isToWorker,
  PROTOCOL_VERSION,
  type ToWorker,
} from "../../../src/discord/gateway/protocol.ts";
import { NO_COUNTS } from "../../../src/discord/gateway/counts.ts";
import { gatewayOptions } from "../../support/gateway_shard.ts";

const TO_WORKER: readonly ToWorker[] = [
  {
    kind: "start",
    version: PROTOCOL_VERSION,
    options: gatewayOptions("ws://127.0.0.1"),
    epoch: 0,
    identifyInMs: 0,
    tick: new SharedArrayBuffer(8),
  },
  { kind: "committed", number: 1, epoch: 1, seq: 1 },
  { kind: "url", url: "ws://127.0.0.1" },
  { kind: "stop" },
];
const FROM_WORKER: readonly FromWorker[] = [
  { kind: "batch", batch: { number: 1, epoch: 1, seq: 1, text: "[]" } },
  { kind: "state", state: { state: "ready", readyAt: 1, isDown: false } },
  { kind: "beat", lateMs: 1 },
  { kind: "counts", counts: NO_COUNTS },
  { kind: "log", level: "info", event: "x", fields: {} },
  { kind: "final", plan: { kind: "give_up", exit: false } },
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
      it(`takes ${message.kind}, and none of its fields for granted`, () => {
        assert.equal(isValid(message), true);
        for (const field of Object.keys(message)) {
          assert.equal(isValid({ ...message, [field]: null }), false, field);
        }
      });
    }

    for (const value of NONSENSE) {
      it(`refuses ${JSON.stringify(value)}`, () => assert.equal(isValid(value), false));
    }
  });
}

describe("[G1] isFromWorker()", () => {
  it("looks into a batch", () => {
    assert.equal(
      isFromWorker({ kind: "batch", batch: { number: 1, epoch: 1, seq: "1", text: "" } }),
      false,
    );
    assert.equal(
      isFromWorker({ kind: "batch", batch: { number: 1, epoch: 1, seq: 1, text: [] } }),
      false,
    );
  });

  const batch = { number: 1, epoch: 1, seq: 1, text: "[]" };
  const state = { state: "ready", readyAt: 1, isDown: false };
  const optional: readonly [string, (field: unknown) => unknown, unknown][] = [
    ["a batch's session", (session) => ({ kind: "batch", batch: { ...batch, session } }), SESSION],
    ["an ACK", (ack) => ({ kind: "state", state: { ...state, ack } }), { at: 1, intervalMs: 2 }],
    ["a latency", (latencyMs) => ({ kind: "beat", lateMs: 1, latencyMs }), 5],
  ];
  for (const [name, message, good] of optional) {
    it(`takes ${name} or none, and nothing in its place`, () => {
      assert.equal(isFromWorker(message(good)), true);
      assert.equal(isFromWorker(message(undefined)), true);
      for (const bad of [null, "x", {}]) assert.equal(isFromWorker(message(bad)), false);
    });
  }
});
