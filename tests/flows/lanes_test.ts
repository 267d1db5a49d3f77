import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ChannelId } from "../../src/core/ids.ts";
import type { OutboundMessage, OutboxRow, PostOutcome } from "../../src/core/outbound.ts";
import { createLanes } from "../../src/flows/lanes.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../support/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";

const HERE = channelId("1400000000000000002");
const THERE = channelId("1400000000000000005");
const CREATED: PostOutcome = { kind: "created", messageId: messageId("77") };

/** An outbox in memory with these rows, and a Discord that answers one request as told. */
function setUp(...rows: readonly [channel: ChannelId, nonce: string][]) {
  const add = (channel: ChannelId, nonce: string): void => {
    const message = outboundMessage({ channelId: channel, nonce });
    queue = [...queue, { id: queue.length, message }];
  };
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  let queue: OutboxRow[] = rows.map(([channel, nonce], id) => ({
    id,
    message: outboundMessage({ channelId: channel, nonce }),
  }));
  const ended = new Map<string, string>();
  const drop = (row: OutboxRow, as: string): Promise<void> => {
    queue = queue.filter(({ id }) => id !== row.id);
    ended.set(row.message.nonce, as);
    return Promise.resolve();
  };
  const asked: { nonce: string; answer: (outcome: PostOutcome) => Promise<void> }[] = [];
  const lanes = createLanes({
    accountId: ACCOUNT,
    outbox: {
      heads: () =>
        Promise.resolve(
          [...Map.groupBy(queue, ({ message }) => message.channelId).values()].flatMap(
            ([head]) => head ?? [],
          ),
        ),
      markSending(row, now) {
        queue = queue.map((other) =>
          other.id === row.id ? { firstAttemptAt: now, ...other } : other
        );
        return Promise.resolve(true);
      },
      markSent: (row) => drop(row, "sent").then(() => true),
      markRefused: (row) => {
        queue = queue.map((other) => other.id === row.id ? row : other);
        return Promise.resolve();
      },
      markDead: (row) => drop(row, "dead"),
      markUncertain: (row) => drop(row, "uncertain"),
    },
    post: ({ nonce }: OutboundMessage) =>
      new Promise((resolve) => {
        asked.push({
          nonce,
          answer: (outcome) => {
            resolve(outcome);
            return settle();
          },
        });
      }),
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0.999,
    log,
    onDelivery: () => {},
  });
  const nonces = () => asked.map(({ nonce }) => nonce);
  const answer = (outcome: PostOutcome) => asked.at(-1)!.answer(outcome);
  const echo = (nonce: string): void => {
    queue = queue.filter(({ message }) => message.nonce !== nonce);
  };
  return { lanes, clock, lines, asked, nonces, answer, ended, add, echo };
}

describe("createLanes()", () => {
  it("[D1] sends the rows of a channel one after the other, and channels side by side", async () => {
    const { lanes, asked, nonces } = setUp([HERE, "a"], [HERE, "b"], [THERE, "x"]);
    lanes.wake();
    await settle();
    assert.deepEqual(nonces(), ["a", "x"]);
    await asked[0]?.answer(CREATED);
    assert.deepEqual(nonces(), ["a", "x", "b"]);
  });

  for (let ticks = 0; ticks < 12; ticks++) {
    it(`[D1] misses no row that is frozen ${ticks} microtasks after it began to look`, async () => {
      const { lanes, nonces, add } = setUp();
      lanes.wake();
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      add(HERE, "a");
      lanes.wake();
      await settle();
      assert.deepEqual(nonces(), ["a"]);
    });
  }

  it("[D2] asks again for what got no answer, by the same nonce, before what follows", async () => {
    const { lanes, clock, nonces, answer, ended } = setUp([HERE, "a"], [HERE, "b"]);
    lanes.wake();
    await settle();
    await answer({ kind: "unanswered" });
    assert.deepEqual(nonces(), ["a"]);
    clock.advance(1_000);
    await settle();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(CREATED);
    assert.deepEqual(nonces(), ["a", "a", "b"]);
    assert.equal(ended.get("a"), "sent");
  });

  it("[D2] holds what nobody can tell of after a minute, says so, and goes on", async () => {
    const { lanes, clock, lines, nonces, answer, ended } = setUp([HERE, "a"], [HERE, "b"]);
    lanes.wake();
    await settle();
    while (nonces().at(-1) === "a") {
      await answer({ kind: "unanswered" });
      clock.advance(15_000);
      await settle();
    }
    assert.equal(ended.get("a"), "uncertain");
    assert.ok(lines.some(({ level }) => level === "error"));
    assert.equal(nonces().filter((nonce) => nonce === "a").length, 4);
  });

  it("[D2] goes on at once where the gateway's echo has settled what it waited for", async () => {
    const { lanes, clock, nonces, answer, echo } = setUp([HERE, "a"], [HERE, "b"]);
    lanes.wake();
    await settle();
    await answer({ kind: "unanswered" });
    echo("a");
    lanes.settled([THERE, HERE]);
    await settle();
    assert.deepEqual(nonces(), ["a", "b"]);
    assert.equal(clock.pending, 0);
  });

  it("[D3] comes back when Discord says, not before", async () => {
    const { lanes, clock, nonces, answer } = setUp([HERE, "a"]);
    lanes.wake();
    await settle();
    await answer({ kind: "refused", why: "rate_limited", reason: "429", retryAfterMs: 40_000 });
    clock.advance(39_999);
    await settle();
    assert.deepEqual(nonces(), ["a"]);
    clock.advance(1);
    await settle();
    assert.deepEqual(nonces(), ["a", "a"]);
  });

  it("[D5] keeps what could not leave for as long as it takes", async () => {
    const { lanes, clock, answer, asked, ended } = setUp([HERE, "a"]);
    lanes.wake();
    await settle();
    for (let minute = 0; minute < 60; minute++) {
      await answer({ kind: "unsent", reason: "no route to host" });
      clock.advance(300_000);
      await settle();
    }
    assert.equal(ended.get("a"), undefined);
    assert.ok(asked.length > 50);
    await answer(CREATED);
    assert.equal(ended.get("a"), "sent");
  });

  const refusals = [
    ["forbidden", "dead"],
    ["not_found", "dead"],
    ["rejected", "dead"],
    ["rate_limited", undefined],
    ["unauthorized", undefined],
  ] as const;
  for (const [why, end] of refusals) {
    it(`[D5] ${end ? "gives up" : "keeps"} a row that is refused as ${why}`, async () => {
      const { lanes, nonces, answer, ended } = setUp([HERE, "a"], [HERE, "b"]);
      lanes.wake();
      await settle();
      await answer({ kind: "refused", why, reason: "because" });
      assert.equal(ended.get("a"), end);
      assert.deepEqual(nonces(), end ? ["a", "b"] : ["a"]);
    });
  }

  it("[G12] ends what is under way once it stops, and begins nothing more", async () => {
    const { lanes, nonces, answer, ended } = setUp([HERE, "a"], [HERE, "b"]);
    lanes.wake();
    await settle();
    const stopped = lanes.stop();
    await answer(CREATED);
    await stopped;
    assert.equal(ended.get("a"), "sent");
    assert.deepEqual(nonces(), ["a"]);
  });

  it("[G12] drains what can be sent now", async () => {
    const { lanes, asked, answer, ended } = setUp([HERE, "a"], [HERE, "b"]);
    lanes.wake();
    const drained = lanes.drain();
    await settle();
    await answer(CREATED);
    await answer(CREATED);
    await drained;
    assert.equal(asked.length, 2);
    assert.deepEqual([...ended.values()], ["sent", "sent"]);
  });
});
