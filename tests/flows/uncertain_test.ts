/** Uncertain messages: from the request without an answer to the health report. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PostOutcome } from "../../src/core/outbound/outbound.ts";
import type { PostedPage } from "../../src/core/outbound/posted.ts";
import { createChannelQueues } from "../../src/flows/deliver/channel_queues.ts";
import { judgeHealth } from "../../src/http/checks.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { ACCOUNT, messageId, messageIdAt, userId } from "../support/discord/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { BUILD, HEALTHY } from "../support/bot/health.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";
import { frozen, openTestStore, part } from "../support/store/store.ts";

const BOT = userId("1400000000000000003");
const HIDDEN: PostedPage = { kind: "page", messages: [], isLast: true };
const UNANSWERED: PostOutcome = { kind: "unanswered", reason: "nothing within 15000 ms" };

/** The real store with two messages for a channel, and a Discord with given answers. */
async function setUp(answer: (nonce: string) => PostOutcome) {
  const { store } = openTestStore();
  const clock = new FakeClock();
  const of = part(messageIdAt(clock.now()));
  for (const nonce of ["first", "second"]) {
    await store.outbox.add(frozen({ nonce, of }), clock.now());
  }
  const posted: string[] = [];
  const { log, lines } = recordingLog();
  const start = () =>
    createChannelQueues({
      accountId: ACCOUNT,
      outbox: store.outbox,
      messages: {
        create: ({ nonce }) => {
          posted.push(nonce);
          return Promise.resolve(answer(nonce));
        },
        edit: () => Promise.resolve(UNANSWERED),
        delete: () => Promise.resolve(UNANSWERED),
      },
      history: () => Promise.resolve(HIDDEN),
      canReadHistory: () => Promise.resolve(false),
      self: () => BOT,
      explain: () => Promise.resolve({ missing: "other", reason: "because" }),
      withoutFiles: (message) => message,
      nonceWindowMs: 60_000,
      bootedAt: () => 0,
      steadyNow: clock.now,
      retry: { attempts: 3, minDelayMs: 500, maxDelayMs: 30_000, jitter: 0.1 },
      now: clock.now,
      schedule: clock.schedule,
      random: () => 0.5,
      log,
      events: {
        emit: {
          delivered: () => {},
          attempted: () => {},
          parked: () => {},
          setAside: () => {},
          filesRefused: () => {},
          dead: () => {},
        },
      },
    });
  /** The store commits all changes of one event loop turn together. */
  async function calm(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) await settle();
  }
  const shown = async () => {
    const { outbox } = await store.health();
    const snapshot = { ...HEALTHY, outbox: { ...HEALTHY.outbox, ...outbox } };
    const check = judgeHealth(snapshot, clock.now()).find(({ id }) => id === "outbox:uncertain");
    const metrics = createMetrics(BUILD).text(snapshot, { cpuSec: 0 }, clock.now());
    return { check, metrics };
  };
  return { start, clock, calm, posted, lines, shown };
}

const created = (): PostOutcome => ({ kind: "created", messageId: messageId("77") });

describe("[D2] a request without an answer for a minute, in a channel without readable history", () => {
  it("is held, counted and shown, and later messages are sent", async () => {
    const { start, clock, calm, posted, lines, shown } = await setUp((nonce) =>
      nonce === "first" ? UNANSWERED : created()
    );
    const channelQueues = start();
    channelQueues.wake();
    for (let second = 0; second < 75; second++) {
      await calm();
      clock.advance(1_000);
    }
    await calm();
    assert.equal(posted.at(-1), "second");
    assert.ok(posted.filter((nonce) => nonce === "first").length > 1);
    const { check, metrics } = await shown();
    assert.equal(check?.status, "warn");
    assert.equal(check?.why, "1 message");
    assert.match(metrics, /^barnacle_outbox_depth\{state="uncertain"\} 1$/m);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
    await channelQueues.stop();
  });

  it("is not sent again by any number of later starts", async () => {
    const { start, clock, calm, posted, shown } = await setUp((nonce) =>
      nonce === "first" ? UNANSWERED : created()
    );
    const dying = start();
    dying.wake();
    await calm();
    await dying.stop();
    assert.deepEqual(posted, ["first"]);
    clock.advance(60_000);
    for (let restart = 0; restart < 3; restart++) {
      const channelQueues = start();
      channelQueues.wake();
      await channelQueues.drain();
      await channelQueues.stop();
    }
    assert.deepEqual(posted, ["first", "second"]);
    assert.equal((await shown()).check?.why, "1 message");
  });

  it("is sent again by a start within the minute", async () => {
    const answers: PostOutcome[] = [UNANSWERED];
    const { start, clock, calm, posted, shown } = await setUp(() => answers.shift() ?? created());
    const dying = start();
    dying.wake();
    await calm();
    await dying.stop();
    clock.advance(59_999);
    const channelQueues = start();
    channelQueues.wake();
    await channelQueues.drain();
    await channelQueues.stop();
    assert.deepEqual(posted, ["first", "first", "second"]);
    assert.equal((await shown()).check?.status, "pass");
  });
});
