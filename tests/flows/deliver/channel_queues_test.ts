import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { PostOutcome } from "../../../src/core/outbound/outbound.ts";
import { ACCOUNT, channelId, guildId, messageId } from "../../support/discord/builders.ts";
import {
  BOT,
  CREATED,
  DAY_MS,
  FORBIDDEN,
  GUILD,
  HERE,
  running,
  setUp,
  THERE,
  UNANSWERED,
  UNREAD,
  UNSENT,
} from "../support/channel_queues.ts";

const HALF_HOUR_MS = 1_800_000;

describe("queuesOf()", () => {
  for (let ticks = 0; ticks < 12; ticks++) {
    it(`[D1] misses no row that is frozen ${ticks} microtasks after a reading began`, async () => {
      const { queues, nonces, add, quiet } = await setUp();
      queues().wake([THERE]);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await add(HERE, "a");
      queues().wake([HERE]);
      await quiet();
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
    const { looks, nonces, answer, pass, stateOf } = await running([HERE, "a"], [HERE, "b"]);
    for (let answered = 0; looks() === 0;) {
      if (answered < nonces().length) await answer(UNANSWERED), answered++;
      await pass(15_000);
    }
    assert.equal(nonces().at(-1), "a");
    await answer(CREATED);
    assert.equal(stateOf("a"), "sent");
    assert.equal(nonces().at(-1), "b");
  });

  it("[D2] retries an unreadable history, and sends nothing meanwhile", async () => {
    const { looks, nonces, answer, pass, pages, stateOf, rows } = await running([HERE, "a"]);
    await answer(UNANSWERED);
    const id = messageId("1500000000000000000");
    pages.push(UNREAD, UNREAD, [{ id, authorId: BOT, content: "hello, Ada", fileSizes: [] }]);
    await pass(400);
    for (let minute = 0; minute < 3; minute++) await pass(60_000);
    assert.deepEqual([looks(), nonces().length, stateOf("a")], [3, 1, "sent"]);
    assert.equal(rows("SELECT message_id FROM outbox WHERE nonce = 'a'")[0]?.["message_id"], id);
  });

  it("[D2] holds an uncertain message, logs the next step once, and continues", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]], { lacks: "history" });
    all.pages.push(...Array.from({ length: 9 }, () => []));
    await all.begin();
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
    assert.deepEqual(all.dead(), []);
  });

  it("[D2] continues at once if the gateway's echo has settled the waiting row", async () => {
    const { queues, nonces, answer, outbox, quiet } = await running([HERE, "a"], [HERE, "b"]);
    await answer(UNANSWERED);
    for (const row of await outbox.heads(ACCOUNT)) await outbox.markSent(row, messageId("77"));
    queues().settled([THERE, HERE]);
    await quiet();
    assert.deepEqual(nonces(), ["a", "b"]);
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
      assert.deepEqual(dead(), []);
    }
    assert.ok(asked.length > 280);
    await answer(UNSENT);
    assert.equal(stateOf("a"), "dead");
    assert.deepEqual(dead(), ["a"]);
  });

  it("[D5] sends it if the failure ends before", async () => {
    const { answer, dead, pass, stateOf } = await running([HERE, "a"]);
    await answer(UNSENT);
    await pass(DAY_MS); // like a clock that the network sets
    await answer(CREATED);
    assert.equal(stateOf("a"), "sent");
    assert.deepEqual(dead(), []);
  });

  for (const how of ["drop", "resend"] as const) {
    it(`[D2] stops waiting for a row that is no longer the first, after ${how} by hand`, async () => {
      const { queues, asked, outbox, pass, answer, nonces, quiet } = await running(
        [HERE, "a"],
        [HERE, "b"],
      );
      if (how === "resend") await answer({ kind: "refused", why: "rejected", reason: "400" });
      for (let time = 0; time < 12; time++) {
        await answer(UNSENT);
        await pass(300_000);
      }
      await answer(UNSENT);
      assert.equal(await outbox.release(1, how), true);
      const before = asked.length;
      queues().wake();
      await quiet();
      assert.deepEqual(nonces().slice(before), [how === "drop" ? "b" : "a"]);
    });
  }

  const set = [UNSENT, UNANSWERED, FORBIDDEN].flatMap((outcome) =>
    [false, true].map((isUnderWay) => [outcome, isUnderWay] as const)
  );
  for (const [outcome, isUnderWay] of set) {
    const when = isUnderWay ? "during a request" : "between two requests";
    it(`[D5] loses no message if the clock is set ${when}, after ${outcome.kind}`, async () => {
      // Without a history, no request to the channel succeeds, so that no row is set aside.
      const all = await setUp([[HERE, "a"]], { history: UNREAD });
      const { begin, answer, dead, stateOf, clock, pass } = all;
      await begin();
      const fail = async () => {
        await answer(outcome);
        await pass(HALF_HOUR_MS);
      };
      for (let time = 0; time < 6; time++) await fail();
      if (!isUnderWay) await answer(outcome);
      clock.set(2 * DAY_MS);
      if (!isUnderWay) await pass(HALF_HOUR_MS);
      for (let time = 0; time < 40; time++) await fail();
      assert.deepEqual(dead(), []);
      assert.ok(["pending", "sending"].includes(String(stateOf("a"))));
      for (let time = 0; time < 5; time++) await fail();
      assert.equal(stateOf("a"), outcome === UNANSWERED ? "uncertain" : "dead");
    });
  }

  it("[D5] retries unsent rows at once when Discord is reachable again", async () => {
    const { queues, asked, nonces, pass, quiet } = await running([HERE, "a"], [THERE, "x"]);
    await asked[0]?.answer(UNSENT);
    await asked[1]?.answer({ ...FORBIDDEN, why: "rate_limited", retryAfterMs: 60_000 });
    queues().reachable();
    await quiet();
    assert.deepEqual(nonces(), ["a", "x", "a"]);
    await pass(60_000);
    assert.deepEqual(nonces(), ["a", "x", "a", "x"]);
  });

  it("[D5] gives up at once a message that Discord refuses for its content, and only that", async () => {
    const { nonces, answer, dead, lines, pass, told } = await running([HERE, "a"], [HERE, "b"]);
    await answer({ kind: "refused", why: "rejected", reason: "Invalid Form Body" });
    assert.deepEqual(dead(), ["a"]);
    assert.deepEqual(nonces(), ["a", "b"]);
    assert.equal(lines.filter(({ level }) => level === "error").length, 1);
    await pass(5_000);
    assert.match(told()[0] ?? "", /gave up .*: 1\. Last reason: .*Invalid Form Body/);
  });

  it("[D3] leaves all rows unchanged if Discord refuses the token", async () => {
    const { answer, pass, dead, told, stateOf } = await running([HERE, "a"], [HERE, "b"]);
    for (let time = 0; time < 400; time++) {
      await answer({ kind: "refused", why: "unauthorized", reason: "401" });
      await pass(300_000);
    }
    assert.deepEqual([stateOf("a"), stateOf("b")], ["sending", "pending"]);
    assert.deepEqual([dead(), told()], [[], []]);
  });

  it("[X2] retries after a fault of the disk", async () => {
    const { outbox, begin, nonces, queues, pass, lines } = await setUp([[HERE, "a"]]);
    const { heads } = outbox;
    Object.assign(outbox, { heads: () => Promise.reject(new Error("disk is full")) });
    await begin();
    assert.deepEqual(nonces(), []);
    Object.assign(outbox, { heads });
    queues().wake([HERE]);
    await pass(5_000);
    assert.deepEqual(nonces(), ["a"]);
    assert.ok(lines.some(({ level }) => level === "error"));
  });
});

describe("[D5] queuesOf(), if Discord forbids posting", () => {
  const parkings = (told: readonly string[]) =>
    told.filter((text) => text.startsWith("My messages for"));

  it("[R11] parks the channel, and no other, and tells the owners once", async () => {
    const { asked, nonces, pass, told, stateOf, lines } = await running(
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
    assert.equal(told().length, 1);
    assert.match(told()[0] ?? "", /waiting: cannot post in #ops: Send Messages/);
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });

  it("[R11] uses Discord's own words if it finds no better ones", async () => {
    const { begin, answer, told } = await setUp([[HERE, "a"]], { lacks: "unreachable" });
    await begin();
    await answer(FORBIDDEN);
    assert.match(told()[0] ?? "", /Missing Permissions/);
  });

  it("continues in order once permissions change, in that guild alone", async () => {
    const { queues, nonces, answer, quiet } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    queues().permissionsChanged(guildId("1400000000000000020"));
    await quiet();
    assert.deepEqual(nonces(), ["a"]);
    queues().permissionsChanged(GUILD);
    await quiet();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(CREATED);
    await answer(CREATED);
    assert.deepEqual(nonces(), ["a", "a", "b"]);
  });

  it("tries when the bot will answer a person there, and reports again after a delivery", async () => {
    const { queues, answer, nonces, told, lines, quiet } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    queues().heardFrom(THERE);
    await quiet();
    assert.deepEqual(nonces(), ["a"]);
    queues().heardFrom(HERE);
    queues().heardFrom(HERE);
    await quiet();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(CREATED);
    assert.deepEqual(lines.map(({ level }) => level), ["error", "info"]);
    await answer(FORBIDDEN);
    assert.equal(parkings(told()).length, 2);
  });

  it("limits tries after changes, but misses no change", async () => {
    const { queues, nonces, answer, pass } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    for (let second = 0, tried = 1; second < 600; second++) {
      queues().permissionsChanged(GUILD); // a role that keeps changing its colour
      await pass(1_000);
      if (nonces().length > tried) {
        tried = nonces().length;
        await answer(FORBIDDEN);
      }
    }
    const tries = nonces().length;
    assert.ok(tries >= 6 && tries <= 9, `${tries} tries in ten minutes`);
    await pass(300_000);
    assert.equal(nonces().length, tries + 1);
  });

  it("tries once more if permissions changed during the refusal", async () => {
    const { queues, nonces, answer, pass } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    queues().heardFrom(HERE);
    await pass(1_000);
    queues().permissionsChanged(GUILD); // after the request left
    await answer(FORBIDDEN);
    await pass(5_000);
    assert.deepEqual(nonces(), ["a", "a", "a"]);
    await answer(FORBIDDEN);
    await pass(600_000);
    assert.equal(nonces().length, 3);
  });

  it("tries every half hour, and gives up all that failed for a day, with one request", async () => {
    const { answer, asked, dead, pass, stateOf, add, queues } = await running(
      [HERE, "a"],
      [HERE, "b"],
    );
    await answer(FORBIDDEN);
    await pass(HALF_HOUR_MS - 1);
    assert.equal(asked.length, 1);
    await pass(1);
    assert.equal(asked.length, 2);
    await answer(FORBIDDEN);
    for (let hours = 0.5; hours < 23.5; hours += 0.5) {
      await pass(HALF_HOUR_MS);
      await answer(FORBIDDEN);
    }
    await add(HERE, "c");
    queues().wake([HERE]);
    await pass(HALF_HOUR_MS);
    const before = asked.length;
    await answer(FORBIDDEN);
    assert.deepEqual(dead(), ["a", "b"]);
    assert.equal(asked.length, before + 1);
    assert.equal(asked.at(-1)?.nonce, "c"); // it began to wait today
    await answer(FORBIDDEN);
    assert.equal(stateOf("c"), "pending");
  });

  it("gives up only the invalid message once the channel accepts messages", async () => {
    const { queues, answer, dead, nonces, pass, quiet } = await running([HERE, "a"], [HERE, "b"]);
    await answer(FORBIDDEN);
    await pass(DAY_MS - 60_000);
    await answer(FORBIDDEN);
    await pass(120_000);
    queues().permissionsChanged(GUILD);
    await quiet();
    await answer({ kind: "refused", why: "rejected", reason: "400", code: 50006 });
    assert.deepEqual(dead(), ["a"]);
    assert.equal(nonces().at(-1), "b");
  });

  it("tries a parked channel again at the next start, and reports it once", async () => {
    const { restart, nonces, answer, told } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    await restart();
    assert.deepEqual(nonces(), ["a", "a"]);
    await answer(FORBIDDEN);
    assert.equal(parkings(told()).length, 1);
  });

  it("keeps no channel closed for ever if the disk fails", async () => {
    const { outbox, nonces, answer, pass } = await running([HERE, "a"]);
    const { park } = outbox;
    Object.assign(outbox, { park: () => Promise.reject(new Error("disk I/O error")) });
    await answer(FORBIDDEN);
    Object.assign(outbox, { park });
    await pass(HALF_HOUR_MS);
    assert.deepEqual(nonces(), ["a", "a"]);
  });

  it("retries an opening that the disk refused", async () => {
    const { outbox, queues, nonces, answer, quiet } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    const { unpark } = outbox;
    Object.assign(outbox, { unpark: () => Promise.reject(new Error("disk is full")) });
    queues().heardFrom(HERE);
    await quiet();
    assert.deepEqual(nonces(), ["a"]);
    Object.assign(outbox, { unpark });
    queues().heardFrom(HERE);
    await quiet();
    assert.deepEqual(nonces(), ["a", "a"]);
  });
});

describe("[D1] queuesOf(), for any answers of Discord", () => {
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
      const { queues, add, asked, pass, stateOf, quiet } = all;
      let answered = 0;
      const added: string[] = [];
      for (const { channel, outcome, ms, changes } of steps) {
        const where = channels[channel] ?? HERE;
        const nonce = `${channel}-${String(added.length).padStart(3, "0")}`;
        added.push(nonce);
        await add(where, nonce);
        queues().wake([where]);
        await quiet();
        const request = asked[answered];
        if (request) {
          answered++;
          await request.answer(outcome);
        }
        await pass(ms);
        if (changes) queues().permissionsChanged(GUILD);
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
      await queues().stop();
    });
    await fc.assert(law, { numRuns: 40 });
  });
});

function isOver(state: unknown): boolean {
  return state === "sent" || state === "dead";
}
