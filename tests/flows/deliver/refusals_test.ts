import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { OutboundFile, PostOutcome } from "../../../src/core/outbound/outbound.ts";
import type { Explained } from "../../../src/flows/deliver/sending.ts";
import { ACCOUNT, messageIdAt } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";
import { frozen, part } from "../../support/store/store.ts";
import {
  CREATED,
  FORBIDDEN,
  GUILD,
  HERE,
  NOT_THERE,
  setUp,
  UNANSWERED,
} from "../support/channel_queues.ts";

const FILE: OutboundFile = { name: "answer.md", bytes: new Uint8Array(3) };
const TOO_LARGE: PostOutcome = {
  kind: "refused",
  why: "rejected",
  reason: "Request entity too large",
  code: 40005,
  isTooLarge: true,
};
const NO_FILES = "cannot attach files in #ops: Attach Files is denied for the role Krill";
const noFiles = () => Promise.resolve({ missing: "files", reason: NO_FILES } as const);
const nothing = () => Promise.resolve({ missing: "none" } as const);

/** Queues with a message that has a file, and a plain one behind it. */
async function withFile(explain: () => Promise<Explained>, isAnswer = true) {
  const all = await setUp([], { explain });
  const of = isAnswer ? { of: part(messageIdAt(all.clock.now())) } : {};
  const message = frozen({ channelId: HERE, guildId: GUILD, nonce: "file", ...of });
  await all.outbox.add({ ...message, files: [FILE] }, all.clock.now());
  await all.add(HERE, "plain");
  const channelQueues = all.begin();
  channelQueues.wake();
  await settle();
  const sent = () => all.asked.map(({ nonce, files }) => `${nonce}:${files}`);
  return { ...all, channelQueues, sent };
}

describe("[R12a] a file that Discord refuses", () => {
  for (
    const [what, outcome, told] of [
      ["a missing permission", FORBIDDEN, [NO_FILES]],
      ["its size", TOO_LARGE, []],
    ] as const
  ) {
    it(`is removed because of ${what}; its text and later messages are sent`, async () => {
      const { sent, answer, asked, parked, dead, stateOf, noFiles: owner } = await withFile(
        noFiles,
      );
      await answer(outcome);
      assert.deepEqual(sent(), ["file:1", "file:0"]);
      assert.equal(asked.at(-1)?.content, "without answer.md");
      await answer(CREATED);
      await answer(CREATED);
      assert.deepEqual([stateOf("file"), stateOf("plain")], ["sent", "sent"]);
      assert.deepEqual([parked, dead, owner], [[], [], told]);
    });
  }

  it("is removed if no permission is missing, too", async () => {
    const { sent, answer, parked } = await withFile(nothing);
    await answer(FORBIDDEN);
    await answer(CREATED);
    assert.deepEqual([sent(), parked], [["file:1", "file:0", "plain:0"], []]);
  });

  it("is removed at the next try if Barnacle could not ask for the permissions before", async () => {
    let isReachable = false;
    const explain = () => isReachable ? noFiles() : Promise.reject(new Error("no network"));
    const { sent, answer, pass, parked, stateOf, noFiles: owner } = await withFile(explain);
    await answer(FORBIDDEN);
    assert.deepEqual(parked.map(({ reason }) => reason), ["Missing Permissions"]);
    isReachable = true;
    await pass(1_800_000);
    await answer(FORBIDDEN);
    await answer(CREATED);
    await answer(CREATED);
    assert.deepEqual(sent(), ["file:1", "file:1", "file:0", "plain:0"]);
    assert.deepEqual([stateOf("file"), owner], ["sent", [NO_FILES]]);
  });

  it("ends a message of `barnacle send` with the reason", async () => {
    const { sent, answer, dead, stateOf, outbox } = await withFile(noFiles, false);
    await answer(FORBIDDEN);
    assert.deepEqual([sent(), dead, stateOf("file")], [["file:1", "plain:0"], ["file"], "dead"]);
    const [result] = await outbox.sendResultsOf([1]);
    assert.deepEqual(result, { id: 1, kind: "failed", reason: NO_FILES });
  });

  it("[D2] is not removed before the history shows that no attempt has sent it", async () => {
    const { sent, answer, pass, pages, stateOf } = await withFile(noFiles);
    await answer(UNANSWERED);
    pages.push({ kind: "unread", why: "unreachable", reason: "no network" });
    await pass(500);
    await answer(FORBIDDEN);
    assert.deepEqual(sent(), ["file:1", "file:1"]);
    pages.push(NOT_THERE);
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
    const all = await setUp([[HERE, "a"], [HERE, "b"]], { explain: nothing });
    const channelQueues = all.begin();
    channelQueues.wake();
    await settle();
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.nonces(), ["a"]);
    await all.pass(500);
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.nonces(), ["a", "a", "b"]);
    assert.deepEqual([all.stateOf("a"), all.dead, all.parked], ["dead", ["a"], []]);
    await all.answer(CREATED);
    assert.equal(all.stateOf("b"), "sent");
  });

  it("parks the channel if the next message is refused, too", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"], [HERE, "c"]], { explain: nothing });
    all.begin().wake();
    await settle();
    for (const _ of [1, 2]) {
      await all.answer(FORBIDDEN);
      await all.pass(500);
    }
    await all.answer(FORBIDDEN);
    await all.pass(10_000);
    assert.deepEqual(all.nonces(), ["a", "a", "b"]);
    assert.deepEqual(all.parked.map(({ reason }) => reason), ["Missing Permissions"]);
    assert.deepEqual([all.stateOf("b"), all.stateOf("c")], ["pending", "pending"]);
  });
});

describe("[D5] a parked channel", () => {
  it("is tried at once when the operator drops its refused message", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]]);
    const channelQueues = all.begin();
    channelQueues.wake();
    await settle();
    await all.answer(FORBIDDEN);
    assert.deepEqual(all.parked.length, 1);
    assert.equal(await all.outbox.release(1, "drop"), true);
    channelQueues.wake(); // as after `barnacle outbox resend`
    await settle();
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
    all.begin().wake();
    await settle();
    const begun = all.clock.now();
    const times = await failing(all, () => all.nonces().includes("b"));
    assert.deepEqual([all.stateOf("a"), all.setAside], ["uncertain", ["a"]]);
    assert.ok(times.length >= 10 && times.length <= 14, `${times.length} attempts`);
    const minutes = (all.clock.now() - begun) / 60_000;
    assert.ok(minutes >= 10 && minutes < 20, `${minutes} minutes`);
    const [open] = await all.outbox.open(ACCOUNT);
    assert.match(open?.reason ?? "", /^set aside after 1\d failed attempts, .*failed with 500$/);
    await all.answer(CREATED);
    assert.equal(all.stateOf("b"), "sent");
  });

  it("waits longer after each failure, also after a look into the history", async () => {
    const all = await setUp([[HERE, "a"]]);
    all.begin().wake();
    await settle();
    const times = await failing(all, () => all.stateOf("a") === "uncertain");
    const waits = times.slice(1).map((time, at) => Math.round((time - (times[at] ?? 0)) / 1_000));
    assert.deepEqual(waits.slice(-2).map((wait) => wait >= 250), [true, true], waits.join());
  });

  it("has a reason and a next attempt while it waits, and one line in the log", async () => {
    const all = await setUp([[HERE, "a"], [HERE, "b"]]);
    const channelQueues = all.begin();
    channelQueues.wake();
    await settle();
    for (const waitMs of [500, 1_000]) {
      await all.answer(SERVER_ERROR);
      assert.deepEqual(channelQueues.delayed(), [], "the fast retries are no news");
      const [open] = await all.outbox.open(ACCOUNT);
      assert.deepEqual([open?.reason, open?.nextAttemptAt], [
        "failed with 500",
        all.clock.now() + waitMs,
      ]);
      await all.pass(waitMs);
    }
    for (const waitMs of [2_000, 4_000]) {
      await all.answer(SERVER_ERROR);
      const nextAttemptAt = all.clock.now() + waitMs;
      const delayed = { row: 1, channelId: HERE, reason: "failed with 500", nextAttemptAt };
      assert.deepEqual(channelQueues.delayed(), [delayed]);
      await all.pass(waitMs);
    }
    const warned = all.lines.filter(({ level }) => level === "warn");
    assert.deepEqual(warned.map(({ fields }) => fields), [
      { channelId: HERE, row: 1, reason: "failed with 500", waitSec: 2 },
    ]);
    await all.answer(CREATED);
    assert.deepEqual(channelQueues.delayed(), []);
  });

  it("waits if no other request to the channel succeeds", async () => {
    const unread = { kind: "unread", why: "unreachable", reason: "failed with 500" } as const;
    const all = await setUp([[HERE, "a"], [HERE, "b"]], { history: () => Promise.resolve(unread) });
    const channelQueues = all.begin();
    channelQueues.wake();
    await settle();
    const begun = all.clock.now();
    await failing(all, () => all.clock.now() > begun + 7_200_000);
    assert.equal(all.stateOf("a"), "sending");
    for (let minutes = 0; minutes < 30 && all.stateOf("a") === "sending"; minutes++) {
      channelQueues.served(HERE); // such as typing
      await all.pass(60_000);
    }
    assert.equal(all.stateOf("a"), "uncertain");
    assert.equal(all.nonces().at(-1), "b");
  });
});
