import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { OutboundFile, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import { ACCOUNT, channelId, guildId, messageId } from "../../support/discord/builders.ts";
import {
  BOT,
  CREATED,
  DAY_MS,
  FORBIDDEN,
  GUILD,
  HERE,
  type Lacks,
  running,
  setUp,
  THERE,
  UNANSWERED,
  UNREAD,
  UNSENT,
} from "../../support/channel_queues.ts";
import { wakes } from "../../../src/account/per_account.ts";
import { frozen } from "../../support/store/store.ts";
import type { ToolTarget } from "../../../src/core/turn/discord_place.ts";
import { composed, sendAndWait } from "../../../src/flows/deliver/tool_messages.ts";
import { toolContext } from "../../support/model/tools.ts";
import { judgeHealth } from "../../../src/http/checks.ts";
import { createMetrics } from "../../../src/http/monitor/health_monitor.ts";
import { BUILD, HEALTHY } from "../../support/bot/health.ts";

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

  for (const method of ["heads", "parked"] as const) {
    it(`[X2] retries after a fault of the disk in ${method}()`, async () => {
      const { outbox, begin, nonces, pass, lines } = await setUp([[HERE, "a"]]);
      const own = outbox[method];
      Object.assign(outbox, { [method]: () => Promise.reject(new Error("disk is full")) });
      await begin();
      Object.assign(outbox, { [method]: own });
      await pass(4_999);
      assert.deepEqual([nonces(), lines.map(({ level }) => level)], [[], ["error"]]);
      await pass(1);
      assert.deepEqual(nonces(), ["a"]);
    });
  }
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
    const { queues, nonces, answer, quiet, lines } = await running([HERE, "a"], [HERE, "b"]);
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
    assert.deepEqual(lines.map(({ level }) => level), ["error", "info"]);
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
    assert.ok(tries >= 10 && tries <= 12, `${tries} tries in ten minutes`);
    await pass(60_000);
    assert.equal(nonces().length, tries + 1);
  });

  it("tries once more if permissions changed during the refusal", async () => {
    const { queues, nonces, answer, pass } = await running([HERE, "a"]);
    await answer(FORBIDDEN);
    queues().heardFrom(HERE);
    await pass(1_000);
    queues().permissionsChanged(GUILD); // after the request left
    await answer(FORBIDDEN);
    await pass(60_000);
    assert.deepEqual(nonces(), ["a", "a", "a"]);
    await answer(FORBIDDEN);
    await pass(600_000);
    assert.equal(nonces().length, 3);
  });

  it("tries every half hour, and gives up what failed for a day", async () => {
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
    await answer(FORBIDDEN);
    await answer(FORBIDDEN);
    assert.deepEqual(dead(), ["a", "b"]);
    await answer(FORBIDDEN);
    assert.equal(stateOf("c"), "pending", "it began to wait today");
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

const FILE: OutboundFile = { name: "answer.md", bytes: new Uint8Array(3) };
const TOO_LARGE: PostOutcome = {
  kind: "refused",
  why: "rejected",
  reason: "Request entity too large",
  code: 40005,
  isTooLarge: true,
};
const NO_FILES = /lack their end: cannot attach files in #ops: Attach Files/;

/** Queues with a message that has a file, and a plain one behind it. */
async function withFile(lacks: Lacks, isAnswer = true) {
  const all = await setUp([], { lacks });
  const of = isAnswer ? { of: all.of() } : {};
  const message = frozen({ channelId: HERE, guildId: GUILD, nonce: "file", ...of });
  await all.outbox.add({ ...message, files: [FILE] }, all.clock.now());
  await all.add(HERE, "plain");
  await all.begin();
  const sent = () => all.asked.map(({ nonce, files }) => `${nonce}:${files}`);
  return { ...all, sent };
}

describe("[R12a] a file that Discord refuses", () => {
  for (
    const [what, outcome, notices] of [
      ["a missing permission", FORBIDDEN, 1],
      ["its size", TOO_LARGE, 0],
    ] as const
  ) {
    it(`is removed because of ${what}; its text and later messages are sent`, async () => {
      const { sent, answer, asked, dead, looks, stateOf, told } = await withFile("files");
      await answer(outcome);
      assert.equal(looks(), 0, "no attempt can have sent it");
      assert.deepEqual(sent(), ["file:1", "file:0"]);
      assert.match(asked.at(-1)?.content ?? "", /`answer.md` is not attached/);
      await answer(CREATED);
      await answer(CREATED);
      assert.deepEqual([stateOf("file"), stateOf("plain")], ["sent", "sent"]);
      assert.deepEqual([dead(), told().length], [[], notices]);
      assert.ok(told().every((text) => NO_FILES.test(text)));
    });
  }

  it("is removed if no permission is missing, too", async () => {
    const { sent, answer, told } = await withFile("nothing");
    await answer(FORBIDDEN);
    await answer(CREATED);
    assert.deepEqual([sent(), told()], [["file:1", "file:0", "plain:0"], []]);
  });

  it("is removed at the next try if Barnacle could not ask for the permissions before", async () => {
    const { sent, answer, pass, told, stateOf, world } = await withFile("unreachable");
    await answer(FORBIDDEN);
    assert.match(told()[0] ?? "", /waiting: .*Missing Permissions/);
    world.lacks = "files";
    await pass(1_800_000);
    await answer(FORBIDDEN);
    await answer(CREATED);
    await answer(CREATED);
    assert.deepEqual(sent(), ["file:1", "file:1", "file:0", "plain:0"]);
    assert.equal(stateOf("file"), "sent");
    assert.match(told().at(-1) ?? "", NO_FILES);
  });

  it("ends a message of `barnacle send` with the reason", async () => {
    const { sent, answer, dead, outbox } = await withFile("files", false);
    await answer(FORBIDDEN);
    assert.deepEqual([sent(), dead()], [["file:1", "plain:0"], ["file"]]);
    const [result] = await outbox.sendResultsOf([1]);
    assert.match(JSON.stringify(result), /failed.*Attach Files/);
  });

  it("[D2] is not removed before the history shows that no attempt has sent it", async () => {
    const { sent, answer, pass, pages, stateOf } = await withFile("files");
    await answer(UNANSWERED);
    pages.push(UNREAD);
    await pass(500);
    await answer(FORBIDDEN);
    assert.deepEqual(sent(), ["file:1", "file:1"]);
    await pass(1_000);
    assert.deepEqual(sent(), ["file:1", "file:1", "file:1"]);
    await answer(FORBIDDEN);
    assert.equal(sent().at(-1), "file:0");
    await answer(CREATED);
    assert.equal(stateOf("file"), "sent");
  });
});

describe("[D5] a message that Discord refuses, although the bot lacks no permission", () => {
  it("is tried once more, and then set aside with its reason; later messages are sent", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]], { lacks: "nothing" });
    await all.begin();
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.nonces(), ["a"]);
    const [open] = await all.outbox.open(ACCOUNT);
    assert.deepEqual([open?.reason, open?.nextAttemptAt], [
      `POST / ${FORBIDDEN.reason}`,
      all.clock.now() + 500,
    ]);
    await all.pass(500);
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.nonces(), ["a", "a", "b"]);
    assert.deepEqual([all.dead(), all.told()], [["a"], []]);
    const [{ refusal } = {}] = all.rows("SELECT refusal FROM outbox WHERE nonce = 'a'");
    assert.match(String(refusal), /Missing Permissions; the bot lacks no permission there$/);
    await all.answer(CREATED);
    assert.equal(all.stateOf("b"), "sent");
  });

  it("parks the channel if the next message is refused, too", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"], [HERE, "c"]], { lacks: "nothing" });
    await all.begin();
    for (const _ of [1, 2]) {
      await all.answer(FORBIDDEN);
      await all.pass(500);
    }
    await all.answer(FORBIDDEN);
    await all.pass(10_000);
    assert.deepEqual(all.nonces(), ["a", "a", "b"]);
    assert.match(all.told().find((text) => text.includes("waiting")) ?? "", /Missing Permissions/);
    assert.deepEqual([all.stateOf("b"), all.stateOf("c")], ["pending", "pending"]);
  });
});

describe("[D5] a parked channel", () => {
  it("is tried at once when the operator drops its refused message", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]]);
    await all.begin();
    await all.answer(FORBIDDEN);
    assert.equal(all.told().length, 1);
    assert.equal(await all.outbox.release(1, "drop"), true);
    all.queues().wake(); // as after `barnacle outbox resend`
    await all.quiet();
    assert.deepEqual(all.nonces(), ["a", "b"]);
  });
});

describe("[D5] a message that always gets a server error", () => {
  const SERVER_ERROR: PostOutcome = { kind: "unanswered", reason: "failed with 500" };

  /** Fails each attempt until `until` says that it is enough, and returns the times of attempts. */
  async function failing(all: Awaited<ReturnType<typeof setUp>>, until: () => boolean) {
    const times: number[] = [];
    for (let seconds = 0; seconds < 86_000 && !until(); seconds++) {
      if (times.length < all.asked.filter(({ nonce }) => nonce === "a").length) {
        times.push(all.clock.now());
        await all.answer(SERVER_ERROR);
      }
      await all.pass(1_000);
    }
    return times;
  }

  it("is set aside after ten minutes if other requests succeed; the rest goes on", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]]);
    await all.begin();
    const begun = all.clock.now();
    const times = await failing(all, () => all.nonces().includes("b"));
    assert.equal(all.stateOf("a"), "uncertain");
    assert.ok(times.length >= 10 && times.length <= 14, `${times.length} attempts`);
    const minutes = (all.clock.now() - begun) / 60_000;
    assert.ok(minutes >= 10 && minutes < 20, `${minutes} minutes`);
    const [open] = await all.outbox.open(ACCOUNT);
    assert.match(open?.reason ?? "", /^set aside after 1\d failed attempts, .*failed with 500$/);
    await all.answer(CREATED);
    assert.equal(all.stateOf("b"), "sent");
    await all.pass(5_000);
    assert.match(all.told()[0] ?? "", /gave up for .*: 1\. .* set aside/);
  });

  it("waits longer after each failure, also after a look into the history", async () => {
    const all = await setUp([[HERE, "a"]]);
    await all.begin();
    const times = await failing(all, () => all.stateOf("a") === "uncertain");
    const waits = times.slice(1).map((time, at) => Math.round((time - (times[at] ?? 0)) / 1_000));
    assert.deepEqual(waits.slice(-2).map((wait) => wait >= 250), [true, true], waits.join());
  });

  for (const end of [CREATED, FORBIDDEN]) {
    it(`has a reason and a next attempt until it is ${end.kind}, and one line in the log`, async () => {
      const all = await setUp([[HERE, "a"], [HERE, "b"]]);
      await all.begin();
      for (const waitMs of [500, 1_000]) {
        await all.answer(SERVER_ERROR);
        assert.deepEqual(all.queues().delayed(), [], "the fast retries are no news");
        const [open] = await all.outbox.open(ACCOUNT);
        assert.match(open?.reason ?? "", /failed with 500/);
        assert.equal(open?.nextAttemptAt, all.clock.now() + waitMs);
        await all.pass(waitMs);
      }
      for (const waitMs of [2_000, 4_000]) {
        await all.answer(SERVER_ERROR);
        const nextAttemptAt = all.clock.now() + waitMs;
        const [{ reason = "", ...delayed } = {}] = all.queues().delayed();
        assert.deepEqual(delayed, { row: 1, channelId: HERE, nextAttemptAt });
        assert.match(reason, /failed with 500/);
        await all.pass(waitMs);
      }
      const warned = all.lines.filter(({ level }) => level === "warn");
      assert.deepEqual(warned.map(({ fields: { row, waitSec } }) => [row, waitSec]), [[1, 2]]);
      await all.answer(end);
      assert.deepEqual(all.queues().delayed(), []);
    });
  }

  it("waits if no other request to the channel succeeds", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]], { history: UNREAD });
    await all.begin();
    const begun = all.clock.now();
    await failing(all, () => all.clock.now() > begun + 7_200_000);
    assert.equal(all.stateOf("a"), "sending");
    for (let minutes = 0; minutes < 30 && all.stateOf("a") === "sending"; minutes++) {
      wakes(all.account).served(HERE); // such as typing
      await all.pass(60_000);
    }
    assert.equal(all.stateOf("a"), "uncertain");
    assert.equal(all.nonces().at(-1), "b");
  });
});

/** A tool that sends a text in the guild. */
async function sending() {
  const all = await setUp();
  const ending = new AbortController();
  const { account } = all;
  const call = toolContext({ account, callKey: "1:a", signal: ending.signal });
  const target = { guildId: GUILD, channelId: HERE } as ToolTarget;
  const results: unknown[] = [];
  const send = async () => {
    const frozen = composed(call, target, { text: "hello" });
    void sendAndWait(call, frozen).then((sent) => results.push(...sent));
    await all.quiet();
  };
  return { ...all, send, ending, results: () => JSON.stringify(results) };
}

describe("[T3] a text of the tool `discord`", () => {
  it("is sent at once, and the tool knows its id", async () => {
    const { send, answer, results, nonces } = await sending();
    await send();
    assert.deepEqual([nonces().length, results()], [1, "[]"]);
    await answer(CREATED);
    assert.match(results(), /"sent".*"77"/);
    await send(); // after a crash, the same call
    assert.equal(nonces().length, 1);
  });

  it("keeps the tool for ten seconds, and is sent later, too", async () => {
    const { send, answer, results, nonces, pass, clock } = await sending();
    await send();
    await pass(9_999);
    assert.equal(results(), "[]");
    await pass(1);
    assert.match(results(), /"waits"/);
    await answer(CREATED);
    assert.equal(nonces().length, 1);
    await pass(5_000);
    assert.equal(clock.pending, 0);
  });

  for (const isLate of [false, true]) {
    it(`[D5] is missed by ${isLate ? "the owners" : "no one"} if its tool ${isLate ? "waits no more" : "hears the refusal"}`, async () => {
      const { send, answer, ending, rows, quiet } = await sending();
      await send();
      if (isLate) ending.abort();
      await quiet();
      await answer({ kind: "refused", why: "rejected", reason: "no", code: 50035 });
      const dead = rows("SELECT state, owes FROM outbox").map((row) => ({ ...row }));
      assert.deepEqual(dead, [{ state: "dead", owes: isLate ? "owner" : null }]);
    });
  }

  it("keeps no tool whose attempt has failed, or whose turn ends", async () => {
    const failed = await sending();
    await failed.send();
    await failed.answer(UNSENT);
    assert.notEqual(failed.results(), "[]");
    const ended = await sending();
    await ended.send();
    ended.ending.abort();
    await ended.quiet();
    assert.notEqual(ended.results(), "[]");
  });
});

/** An account with two messages for a channel without a readable history. */
async function build() {
  const all = await setUp([[HERE, "first"], [HERE, "second"]], { lacks: "history" });
  all.pages.push(...Array.from({ length: 9 }, () => []));
  const shown = async () => {
    const { outbox } = await all.store.health();
    const snapshot = { ...HEALTHY, outbox: { ...HEALTHY.outbox, ...outbox } };
    const now = all.clock.now();
    const check = judgeHealth(snapshot, now).find(({ id }) => id === "outbox:uncertain");
    return { check, metrics: createMetrics(BUILD).text(snapshot, { cpuSec: 0 }, now) };
  };
  return { ...all, shown };
}

describe("[D2] a request without an answer for a minute, in a channel without readable history", () => {
  it("is held, counted and shown, and later messages are sent", async () => {
    const { begin, answer, pass, nonces, dead, lines, shown, rows } = await build();
    await begin();
    for (let answered = 0; nonces().at(-1) === "first"; await pass(1_000)) {
      if (answered < nonces().length) await answer(UNANSWERED), answered++;
    }
    await answer(CREATED);
    assert.ok(nonces().filter((nonce) => nonce === "first").length > 1);
    const { check, metrics } = await shown();
    assert.deepEqual([check?.status, check?.why], ["warn", "1 message"]);
    assert.match(metrics, /^barnacle_outbox_depth\{state="uncertain"\} 1$/m);
    const errors = lines.filter(({ level }) => level === "error").map(({ event }) => event);
    assert.match(errors.join(), /^[^,]*barnacle outbox[^,]*$/);
    assert.deepEqual(dead(), []);
    const held = rows("SELECT owes FROM outbox WHERE state = 'uncertain'");
    assert.deepEqual(
      held.map(({ owes }) => owes),
      ["place"],
      "its asker reads there that it is lost",
    );
  });

  for (const ms of [59_999, 60_000]) {
    it(`is ${ms < 60_000 ? "" : "not "}sent again by starts after ${ms} ms`, async () => {
      const { begin, answer, restart, nonces, clock, shown } = await build();
      await begin();
      await answer(UNANSWERED);
      clock.sleep(ms);
      const again = ms < 60_000 ? ["first"] : [];
      for (let start = 0; start < 3; start++) {
        await restart();
        for (const _ of start === 0 ? ["first", "second"] : []) await answer(CREATED);
      }
      assert.deepEqual(nonces(), ["first", ...again, "second"]);
      assert.equal((await shown()).check?.status, ms < 60_000 ? "pass" : "warn");
    });
  }
});
