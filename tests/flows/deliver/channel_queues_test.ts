import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PostOutcome } from "../../../src/core/outbound/outbound.ts";
import type { Unread } from "../../../src/core/outbound/posted.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { settle } from "../../support/settle.ts";
import {
  BOT,
  CREATED,
  DAY_MS,
  FORBIDDEN,
  GUILD,
  HERE,
  NOT_THERE,
  running,
  setUp,
  THERE,
  UNANSWERED,
  UNSENT,
} from "../support/channel_queues.ts";

describe("createChannelQueues()", () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    it(`[D1] misses no row that is frozen ${ticks} microtasks after a reading began`, async () => {
      const { begin, nonces, add } = await setUp([]);
      const channelQueues = begin();
      channelQueues.wake([THERE]);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await add(HERE, "a");
      channelQueues.wake([HERE]);
      await settle();
      assert.deepEqual(nonces(), ["a"]);
    });
  }

  it("[D2] retries a request without an answer by the same nonce, before the next row", async () => {
    const { nonces, answer, pass, stateOf } = await running([HERE, "a"], [HERE, "b"]);
    await answer(UNANSWERED);
    assert.deepEqual(nonces(), ["a"]);
    await pass(499);
    assert.deepEqual(nonces(), ["a"]);
    await pass(1);
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(CREATED);
    assert.deepEqual(nonces(), ["a", "a", "b"]);
    assert.equal(stateOf("a"), "sent");
  });

  it("[D2] reads the history after a minute, and resends a missing message", async () => {
    const { deliveries, nonces, answer, pass, stateOf } = await running([HERE, "a"], [HERE, "b"]);
    while (!deliveries.includes("absent")) {
      if (deliveries.length < nonces().length) await answer(UNANSWERED);
      await pass(15_000);
    }
    assert.equal(nonces().at(-1), "a");
    await answer(CREATED);
    assert.equal(stateOf("a"), "sent");
    assert.equal(nonces().at(-1), "b");
  });

  it("[D2] retries an unreadable history, and sends nothing meanwhile", async () => {
    const { deliveries, nonces, answer, pass, pages, stateOf } = await running([HERE, "a"]);
    await answer(UNANSWERED);
    const unread: Unread = { kind: "unread", why: "unreachable", reason: "no network" };
    pages.push(unread, unread, {
      ...NOT_THERE,
      messages: [{
        id: messageId("1500000000000000000"),
        authorId: BOT,
        content: "hello, Ada",
        fileSizes: [],
      }],
    });
    await pass(400);
    for (let minute = 0; minute < 3; minute++) await pass(60_000);
    assert.deepEqual(deliveries.filter((kind) => kind === "unread").length, 2);
    assert.deepEqual(nonces().length, 1);
    assert.equal(stateOf("a"), "sent");
    assert.equal(deliveries.at(-1), "found");
  });

  it("[D2] holds an uncertain message, logs the next step once, and continues", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]], {
      history: () => Promise.resolve({ kind: "page", messages: [], isLast: true }),
      canReadHistory: () => Promise.resolve(false),
    });
    const channelQueues = all.begin();
    channelQueues.wake();
    await settle();
    await all.answer(UNANSWERED);
    await all.pass(60_000);
    while (all.nonces().at(-1) === "a") {
      await all.answer(UNANSWERED);
      await all.pass(60_000);
    }
    assert.equal(all.stateOf("a"), "uncertain");
    assert.equal(all.nonces().at(-1), "b");
    const errors = all.lines.filter(({ level }) => level === "error");
    assert.equal(errors.length, 1);
    assert.match(errors[0]?.event ?? "", /barnacle outbox/);
    assert.deepEqual(all.dead, []);
  });

  it("[D2] continues at once if the gateway's echo has settled the waiting row", async () => {
    const { channelQueues, clock, nonces, answer, outbox } = await running([HERE, "a"], [
      HERE,
      "b",
    ]);
    await answer(UNANSWERED);
    const [row] = await outbox.heads(ACCOUNT);
    await outbox.markSent(row!, messageId("77"));
    channelQueues.settled([THERE, HERE]);
    await settle();
    assert.deepEqual(nonces(), ["a", "b"]);
    assert.equal(clock.pending, 0);
  });

  it("[D3] retries when Discord allows, not before, and without a longer back-off", async () => {
    const { nonces, answer, pass } = await running([HERE, "a"]);
    const limited: PostOutcome = { kind: "refused", why: "rate_limited", reason: "429" };
    for (let time = 1; time < 5; time++) {
      await answer({ ...limited, retryAfterMs: 40_000 });
      await pass(39_999);
      assert.equal(nonces().length, time);
      await pass(1);
      assert.equal(nonces().length, time + 1);
    }
    await answer(limited);
    await pass(500);
    assert.equal(nonces().length, 6);
  });

  it("[D5] keeps an unsent message for a day, then gives it up and logs it", async () => {
    const { answer, asked, dead, pass, stateOf } = await running([HERE, "a"]);
    for (let time = 0; time < 288; time++) {
      await answer(UNSENT);
      await pass(300_000);
      assert.deepEqual(dead, []);
    }
    assert.ok(asked.length > 280);
    await answer(UNSENT);
    assert.equal(stateOf("a"), "dead");
    assert.deepEqual(dead, ["a"]);
  });

  it("[D5] sends it if the failure ends before", async () => {
    const { answer, dead, pass, stateOf } = await running([HERE, "a"]);
    await answer(UNSENT);
    await pass(DAY_MS); // like a clock that the network sets
    await answer(CREATED);
    assert.equal(stateOf("a"), "sent");
    assert.deepEqual(dead, []);
  });

  for (const how of ["drop", "resend"] as const) {
    it(`[D2] stops waiting for a row that is no longer the first, after ${how} by hand`, async () => {
      const { channelQueues, asked, outbox, pass, answer, nonces } = await running([HERE, "a"], [
        HERE,
        "b",
      ]);
      if (how === "resend") await answer({ kind: "refused", why: "rejected", reason: "400" });
      for (let time = 0; time < 12; time++) {
        await answer(UNSENT);
        await pass(300_000);
      }
      await answer(UNSENT);
      assert.equal(await outbox.release(1, how), true);
      const before = asked.length;
      channelQueues.wake();
      await settle();
      assert.deepEqual(nonces().slice(before), [how === "drop" ? "b" : "a"]);
    });
  }

  const set = [UNSENT, UNANSWERED, FORBIDDEN].flatMap((outcome) =>
    [false, true].map((isUnderWay) => [outcome, isUnderWay] as const)
  );
  for (const [outcome, isUnderWay] of set) {
    const when = isUnderWay ? "during a request" : "between two requests";
    it(`[D5] loses no message if the clock is set ${when}, after ${outcome.kind}`, async () => {
      let setMs = 0;
      const clock = new FakeClock();
      const now = () => clock.now() + setMs;
      // Without a history, no request to the channel succeeds, so that no row is set aside.
      const history = () =>
        Promise.resolve<Unread>({ kind: "unread", why: "unreachable", reason: "no network" });
      const ports = { now, steadyNow: clock.now, schedule: clock.schedule, history };
      const { begin, answer, dead, stateOf } = await setUp([[HERE, "a"]], ports);
      begin().wake();
      await settle();
      const fail = async () => {
        await answer(outcome);
        clock.advance(1_800_000);
        await settle();
      };
      for (let time = 0; time < 6; time++) await fail();
      if (!isUnderWay) await answer(outcome);
      setMs = 2 * DAY_MS;
      if (!isUnderWay) {
        clock.advance(1_800_000);
        await settle();
      }
      for (let time = 0; time < 40; time++) await fail();
      assert.deepEqual(dead, []);
      assert.ok(["pending", "sending"].includes(String(stateOf("a"))));
      for (let time = 0; time < 5; time++) await fail();
      assert.equal(stateOf("a"), outcome === UNANSWERED ? "uncertain" : "dead");
    });
  }

  it("[D5] retries unsent rows at once when Discord is reachable again", async () => {
    const { channelQueues, asked, nonces, pass, clock } = await running([HERE, "a"], [THERE, "x"]);
    await asked[0]?.answer(UNSENT);
    await asked[1]?.answer({ ...FORBIDDEN, why: "rate_limited", retryAfterMs: 60_000 });
    channelQueues.reachable();
    await settle();
    assert.deepEqual(nonces(), ["a", "x", "a"]);
    assert.equal(clock.pending, 1);
    await pass(60_000);
    assert.deepEqual(nonces(), ["a", "x", "a", "x"]);
  });

  it("[D5] gives up at once a message that Discord refuses for its content, and only that", async () => {
    const { nonces, answer, attempted, dead, stateOf, lines } = await running(
      [HERE, "a"],
      [HERE, "b"],
    );
    await answer({ kind: "refused", why: "rejected", reason: "Invalid Form Body" });
    assert.equal(stateOf("a"), "dead");
    assert.deepEqual(attempted, ["a dead"], "the waiting tool reads the refusal");
    assert.deepEqual(dead, ["a"]);
    assert.deepEqual(nonces(), ["a", "b"]);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
  });

  it("[D3] leaves all rows unchanged if Discord refuses the token", async () => {
    const { answer, pass, dead, parked, stateOf } = await running([HERE, "a"], [HERE, "b"]);
    for (let time = 0; time < 400; time++) {
      await answer({ kind: "refused", why: "unauthorized", reason: "401" });
      await pass(300_000);
    }
    assert.deepEqual([stateOf("a"), stateOf("b")], ["sending", "pending"]);
    assert.deepEqual([dead, parked], [[], []]);
  });

  it("[X2] retries after a fault of the disk", async () => {
    const faults = [new Error("disk is full")];
    const all = await setUp([[HERE, "a"]]);
    const outbox = {
      ...all.outbox,
      heads: (...given: Parameters<typeof all.outbox.heads>) => {
        const fault = faults.shift();
        return fault ? Promise.reject(fault) : all.outbox.heads(...given);
      },
    };
    const again = await setUp([], { outbox });
    const channelQueues = again.begin();
    channelQueues.wake();
    await settle();
    assert.deepEqual(again.nonces(), []);
    channelQueues.wake([HERE]);
    await again.pass(5_000);
    assert.deepEqual(again.nonces(), ["a"]);
    assert.ok(again.lines.some(({ level }) => level === "error"));
  });
});

describe("[D5] createChannelQueues(), if Discord forbids posting", () => {
  it("parks the channel, and no other", async () => {
    const { asked, nonces, pass, parked, stateOf } = await running(
      [HERE, "a"],
      [HERE, "b"],
      [THERE, "x"],
      [THERE, "y"],
    );
    await asked[0]?.answer(FORBIDDEN);
    await asked[1]?.answer(CREATED);
    await pass(600_000);
    assert.deepEqual(nonces(), ["a", "x", "y"]);
    assert.deepEqual([stateOf("a"), stateOf("b")], ["pending", "pending"]);
    assert.deepEqual(parked, [{ channelId: HERE, guildId: GUILD, reason: "cannot post in #ops" }]);
  });

  it("continues in order once permissions change", async () => {
    const { channelQueues, nonces, answer } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    channelQueues.permissionsChanged(GUILD);
    await settle();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(CREATED);
    await answer(CREATED);
    assert.deepEqual(nonces(), ["a", "a", "b"]);
  });

  it("reports it again after a delivered message", async () => {
    const { channelQueues, answer, parked, lines } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    channelQueues.heardFrom(HERE);
    await settle();
    await answer(CREATED);
    assert.deepEqual(lines.map(({ level }) => level), ["error", "info"]);
    await answer(FORBIDDEN);
    assert.equal(parked.length, 2);
  });

  it("gives up all messages that failed for a day, with one request", async () => {
    const { answer, asked, dead, pass, stateOf, add, channelQueues } = await running(
      [HERE, "a"],
      [HERE, "b"],
    );
    await answer(FORBIDDEN);
    for (let hours = 0; hours < 23.5; hours += 0.5) {
      await pass(1_800_000);
      await answer(FORBIDDEN);
    }
    await add(HERE, "c");
    channelQueues.wake([HERE]);
    await pass(1_800_000);
    const before = asked.length;
    await answer(FORBIDDEN);
    assert.deepEqual(dead, ["a", "b"]);
    assert.deepEqual(["a", "b"].map(stateOf), ["dead", "dead"]);
    assert.equal(asked.length, before + 1);
    assert.equal(asked.at(-1)?.nonce, "c"); // it began to wait today
    await answer(FORBIDDEN);
    assert.equal(stateOf("c"), "pending");
  });

  it("gives up only the invalid message once the channel accepts messages", async () => {
    const { channelQueues, answer, dead, nonces, pass } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    await pass(DAY_MS - 60_000);
    await answer(FORBIDDEN);
    await pass(120_000);
    channelQueues.permissionsChanged(GUILD);
    await settle();
    await answer({ kind: "refused", why: "rejected", reason: "400", code: 50035 });
    assert.deepEqual(dead, ["a"]);
    assert.equal(nonces().at(-1), "b");
  });

  it("tries a parked channel again at the next start, and reports it once", async () => {
    const { channelQueues, begin, nonces, answer, parked } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    await channelQueues.stop();
    const next = begin();
    next.wake();
    await settle();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(FORBIDDEN);
    assert.equal(parked.length, 1);
    await next.stop();
  });
});

describe("[D1] createChannelQueues(), for any answers of Discord", () => {
  const outcomes: readonly PostOutcome[] = [
    CREATED,
    CREATED,
    CREATED,
    UNANSWERED,
    UNSENT,
    FORBIDDEN,
    { kind: "already_gone" },
    { kind: "refused", why: "rate_limited", reason: "429", retryAfterMs: 2_000 },
    { kind: "refused", why: "rejected", reason: "400" },
  ];
  const channels = [HERE, THERE, channelId("1400000000000000006")];

  it("keeps the order in each channel, and ends with every row", async () => {
    const step = fc.record({
      channel: fc.nat(channels.length - 1),
      outcome: fc.constantFrom(...outcomes),
      ms: fc.constantFrom(0, 700, 5_000, 70_000),
      changes: fc.boolean(),
    });
    const law = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const all = await running();
      const { channelQueues, add, asked, pass, stateOf } = all;
      let answered = 0;
      const added: string[] = [];
      for (const { channel, outcome, ms, changes } of steps) {
        const where = channels[channel]!;
        const nonce = `${channel}-${String(added.length).padStart(3, "0")}`;
        added.push(nonce);
        await add(where, nonce);
        channelQueues.wake([where]);
        await settle();
        const request = asked[answered];
        if (request) {
          answered++;
          await request.answer(outcome);
        }
        await pass(ms);
        if (changes) channelQueues.permissionsChanged(GUILD);
      }
      for (let round = 0; added.some((nonce) => !isOver(stateOf(nonce))); round++) {
        assert.ok(round < 500, "does not end");
        for (; answered < asked.length; answered++) await asked[answered]?.answer(CREATED);
        await pass(1_900_000);
      }
      for (const at of channels.keys()) {
        const own = asked.map(({ nonce }) => nonce).filter((nonce) => nonce.startsWith(`${at}-`));
        assert.deepEqual(own, own.toSorted());
      }
      await channelQueues.stop();
    });
    await fc.assert(law, { numRuns: 40 });
  });
});

function isOver(state: unknown): boolean {
  return state === "sent" || state === "dead";
}
