import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createPermits,
  type PermitsPorts,
} from "../../../../src/discord/gateway/main/connection.ts";
import type { IdentifyAnswer, IdentifyBudget } from "../../../../src/core/discord/gateway.ts";
import type { PermitAnswer } from "../../../../src/discord/gateway/link/protocol.ts";
import type { GatewayRecords } from "../../../../src/store/gateway/gateway.ts";
import { ACCOUNT } from "../../../support/discord/builders.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { settle } from "../../../support/settle.ts";

const NOW = 1_000_000;

function setUp(
  asked: () => IdentifyAnswer,
  budget: () => IdentifyBudget = () => ({ left: 900 }),
  inMs = 0,
) {
  const { log, lines } = recordingLog();
  const answers: [shardId: number, answer: PermitAnswer][] = [];
  const order: string[] = [];
  const world = { isHolding: false };
  const ports: PermitsPorts = {
    store: {
      takeIdentify: async (_account, shardId) => {
        await settle();
        order.push(`counted ${shardId}`);
        return asked();
      },
      identifyBudget: () => Promise.resolve(budget()),
      identifyInMs: () => Promise.resolve(inMs),
    } as Partial<GatewayRecords> as GatewayRecords,
    accountId: ACCOUNT,
    now: () => NOW,
    answer(shardId, answer) {
      order.push(`answered ${shardId}`);
      answers.push([shardId, answer]);
    },
    isHolding: () => world.isHolding,
    onBudget: () => {},
    log,
  };
  return { world, permit: createPermits(ports), answers, order, lines };
}

const wait = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await settle();
};

describe("[G5] createPermits()", () => {
  it("grants a permit only after the store has counted it", async () => {
    const { permit, answers, order } = setUp(() => ({ kind: "granted" }));
    permit(3, false);
    assert.deepEqual(order, []);
    await wait();
    assert.deepEqual(order, ["counted 3", "answered 3"]);
    assert.deepEqual(answers, [[3, { kind: "granted" }]]);
  });

  it("[G5b] answers a shard that asks ahead without counting a permit", async () => {
    const none = () => assert.fail("it was counted");
    const free = setUp(none);
    free.permit(3, true);
    const spaced = setUp(none, () => ({ left: 900 }), 4_000);
    spaced.permit(3, true);
    const spent = setUp(none, () => ({ left: 50, heldUntil: NOW + 60_000 }), 60_000);
    spent.permit(3, true);
    await wait();
    assert.deepEqual(free.answers, [[3, { kind: "granted" }]]);
    assert.deepEqual(spaced.answers, [[3, { kind: "wait", waitMs: 4_000, why: "spacing" }]]);
    assert.deepEqual(spent.answers, [[3, { kind: "wait", waitMs: 60_000, why: "budget" }]]);
    assert.deepEqual(spent.lines.map(({ level }) => level), ["error"], "it is said");
  });

  it("[G5b] lets no shard end a session whose events are still held", async () => {
    const { world, permit, answers } = setUp(() => ({ kind: "granted" }));
    world.isHolding = true;
    permit(3, true);
    permit(4, false);
    await wait();
    assert.deepEqual(answers, [
      [3, { kind: "wait", waitMs: 500, why: "spacing" }],
      [4, { kind: "granted" }],
    ]);
    world.isHolding = false;
    permit(3, true);
    await wait();
    assert.deepEqual(answers.at(-1), [3, { kind: "granted" }]);
  });

  it("tells a shard how long to wait, and logs a spent budget", async () => {
    const { permit, answers, lines } = setUp(
      () => ({ kind: "wait", untilMs: NOW + 60_000, why: "budget" }),
      () => ({ left: 50, heldUntil: NOW + 60_000 }),
    );
    permit(0, false);
    await wait();
    assert.deepEqual(answers, [[0, { kind: "wait", waitMs: 60_000, why: "budget" }]]);
    assert.deepEqual(lines.map(({ level }) => level), ["warn", "error"]);
  });

  it("[X2] grants no permit that the store could not count", async () => {
    const { permit, answers, lines } = setUp(() => {
      throw new Error("disk full");
    });
    permit(0, false);
    await wait();
    assert.deepEqual(answers, [[0, { kind: "wait", waitMs: 5_000, why: "spacing" }]]);
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });
});
