import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboundFile, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import { wakes } from "../../../src/account/per_account.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { frozen } from "../../support/store/store.ts";
import {
  CREATED,
  FORBIDDEN,
  GUILD,
  HERE,
  type Lacks,
  setUp,
  UNANSWERED,
  UNREAD,
} from "../support/channel_queues.ts";

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
      const { sent, answer, asked, dead, stateOf, told } = await withFile("files");
      await answer(outcome);
      assert.deepEqual(sent(), ["file:1", "file:0"]);
      assert.match(asked.at(-1)?.content ?? "", /`answer.md` is not attached/);
      await answer(CREATED);
      await answer(CREATED);
      assert.deepEqual([stateOf("file"), stateOf("plain")], ["sent", "sent"]);
      assert.deepEqual([dead(), told().filter((text) => NO_FILES.test(text)).length], [
        [],
        notices,
      ]);
      assert.equal(told().length, notices);
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
    await all.pass(500);
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.nonces(), ["a", "a", "b"]);
    assert.deepEqual([all.dead(), all.told()], [["a"], []]);
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

  it("has a reason and a next attempt while it waits, and one line in the log", async () => {
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
    await all.answer(CREATED);
    assert.deepEqual(all.queues().delayed(), []);
  });

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
