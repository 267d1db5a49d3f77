import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnansweredMarks } from "../../../src/flows/inbound/unanswered_marks.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";

const NO_CAPACITY = new Error("no spare capacity");
const FORBIDDEN = new Error("forbidden");
const NOT_FOUND = new Error("not_found");
const RATE_LIMITED = new Error("rate_limited");
const STORE_FULL = new Error("the store is full");
const DAY = 24 * 60 * 60_000;

/** Marks with a Discord that answers with these errors, and then accepts all. */
function setUp(...errors: readonly Error[]) {
  const failures = [...errors];
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const { store, database, rows } = openTestStore();
  const added: string[] = [];
  const noticed: (readonly string[])[] = [];
  const disk = { isFull: false };
  const discord: { closed?: string } = {};
  const insert = database.prepare(`
    INSERT INTO unanswered (account_id, message_id, channel_id, author_id, why, at)
    VALUES ('${ACCOUNT}', ?, ?, '1', ?, ?)`);
  const stop = new AbortController();
  let process = 0;
  /** The marks of one process. The next one ends it. */
  const start = () => {
    const mine = ++process;
    return createUnansweredMarks({
      accountId: ACCOUNT,
      store,
      reactions: {
        add(channel, id, emoji) {
          const failure = channel === discord.closed ? NO_CAPACITY : failures.shift();
          if (failure) return Promise.reject(failure);
          added.push(`${id} ${emoji}`);
          return Promise.resolve();
        },
      },
      refusalOf(error) {
        if (error === RATE_LIMITED) return "rate_limited";
        return error === FORBIDDEN ? "forbidden" : error === NOT_FOUND ? "not_found" : undefined;
      },
      async tell(_channel, linked) {
        if (disk.isFull) throw STORE_FULL;
        const ids = linked.map(({ id }) => id);
        await store.inbox.linked(ACCOUNT, ids, [], clock.now());
        noticed.push(ids);
      },
      emojiOf: (why) => why === "queue-full" ? "full" : "missed",
      stopping: stop.signal,
      now: clock.now,
      schedule: (run, ms) => clock.schedule(() => mine === process && run(), ms),
      log,
    });
  };
  const keep = (from: number, to: number, channel = "11") => {
    for (let n = from; n <= to; n++) {
      insert.run(`${n}`, channelId(channel), n === 1 ? "queue-full" : "too-old", clock.now() + n);
    }
  };
  /** Lets the store commit, which takes some turns of the event loop. */
  const stored = async () => {
    for (let turn = 0; turn < 10; turn++) await settle();
  };
  const pass = async (times: number) => {
    for (let n = 0; n < times; n++) {
      await stored();
      clock.advance(300);
    }
    await stored();
  };
  const left = () => rows("SELECT message_id FROM unanswered").length;
  return { start, keep, added, noticed, disk, discord, database, stop, clock, lines, pass, left };
}

describe("[X4] createUnansweredMarks()", () => {
  it("marks one message after the other, and forgets them", async () => {
    const { start, keep, added, left, pass } = setUp();
    keep(1, 3);
    const marks = start();
    marks.wake();
    await pass(0);
    assert.deepEqual(added, ["1 full"]);
    await pass(3);
    assert.deepEqual(added, ["1 full", "2 missed", "3 missed"]);
    assert.equal(left(), 0);
    keep(4, 4);
    marks.wake();
    await pass(1);
    assert.equal(added.length, 4);
  });

  it("makes more marks than it has in memory, also those that come meanwhile", async () => {
    const { start, keep, added, left, pass } = setUp();
    keep(1, 450);
    const marks = start();
    marks.wake();
    await pass(100);
    keep(451, 460);
    marks.wake();
    await pass(400);
    assert.equal(new Set(added).size, 460);
    assert.deepEqual([added.length, left()], [460, 0]);
  });

  it("[D1] goes on after a restart, with marks and with links", async () => {
    const { start, keep, added, noticed, left, clock, pass } = setUp(FORBIDDEN);
    keep(1, 3, "11");
    keep(4, 6, "12");
    start().wake();
    await pass(0);
    assert.equal(left(), 6, "the process ends here, before its notice");
    start().start();
    await pass(8);
    assert.deepEqual(noticed, [["1", "2", "3"]]);
    assert.deepEqual(added, ["4 missed", "5 missed", "6 missed"]);
    clock.advance(60_000);
    await pass(1);
    assert.deepEqual([noticed.length, left()], [1, 0]);
  });

  it("tries again while there is no spare capacity, and never for a deleted message", async () => {
    const { start, keep, added, noticed, left, pass } = setUp(NO_CAPACITY, NOT_FOUND, RATE_LIMITED);
    keep(1, 2);
    start().wake();
    await pass(6);
    assert.deepEqual(added, ["1 full"]);
    assert.deepEqual(noticed, []);
    assert.equal(left(), 0);
  });

  const lasting = [[NO_CAPACITY, 100], [RATE_LIMITED, 3]] as const;
  for (const [failure, attempts] of lasting) {
    it(`sends a notice after ${attempts} attempts that end with ${failure.message}`, async () => {
      const lucky = setUp(...Array<Error>(attempts - 1).fill(failure));
      lucky.keep(1, 1);
      lucky.start().wake();
      await lucky.pass(attempts + 10);
      assert.deepEqual([lucky.added, lucky.noticed], [["1 full"], []]);
      const { start, keep, added, noticed, pass } = setUp(
        ...Array<Error>(attempts).fill(failure),
      );
      keep(1, 1);
      start().wake();
      await pass(attempts + 10);
      assert.deepEqual([added, noticed], [[], [["1"]]]);
    });
  }

  it("links the messages in a notice once a minute if Discord refuses a mark", async () => {
    const { start, keep, added, noticed, clock, pass } = setUp(FORBIDDEN);
    keep(1, 3);
    const marks = start();
    marks.wake();
    await pass(8);
    assert.deepEqual(noticed, [["1", "2", "3"]]);
    keep(4, 4);
    marks.wake();
    await pass(10);
    assert.equal(noticed.length, 1, "the next one is due a minute later");
    clock.advance(60_000);
    await pass(0);
    assert.deepEqual(noticed.slice(1), [["4"]]);
    assert.deepEqual(added, [], "no mark is tried meanwhile");
    clock.advance(60_000);
    await pass(0);
    keep(5, 5);
    marks.wake();
    await pass(1);
    assert.deepEqual(added, ["5 missed"]);
  });

  it("[X6] leaves out messages that are older than a day", async () => {
    const { start, keep, added, noticed, clock, database, pass } = setUp();
    keep(1, 2, "11");
    keep(3, 4, "12");
    database.exec("UPDATE unanswered SET is_unmarkable = 1 WHERE message_id IN ('3', '4')");
    clock.advance(DAY + 2);
    database.exec("UPDATE unanswered SET at = at + 60000 WHERE message_id = '4'");
    start().start();
    await pass(10);
    assert.deepEqual([added, noticed], [["2 missed"], [["4"]]]);
  });

  it("says so if the notice cannot be stored, and tries again a minute later", async () => {
    const { start, keep, disk, noticed, lines, clock, pass } = setUp(FORBIDDEN);
    disk.isFull = true;
    keep(1, 2);
    start().wake();
    await pass(8);
    const warnings = lines.filter(({ level }) => level === "warn");
    assert.deepEqual(warnings.map(({ fields }) => fields["channelId"]), ["11"]);
    disk.isFull = false;
    clock.advance(60_000);
    await pass(0);
    assert.deepEqual(noticed, [["1", "2"]]);
  });

  it("goes on once the store takes a mark that it refused", async () => {
    const { start, keep, added, database, lines, left, clock, pass } = setUp();
    keep(1, 2);
    database.exec(
      "CREATE TRIGGER full BEFORE DELETE ON unanswered BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    start().wake();
    await pass(0);
    assert.equal(left(), 2);
    assert.match(JSON.stringify(lines), /Messages without an answer are not marked yet/);
    database.exec("DROP TRIGGER full");
    clock.advance(5_000);
    await pass(4);
    assert.equal(left(), 0);
    assert.deepEqual(new Set(added), new Set(["1 full", "2 missed"]));
  });

  it("does nothing once the account stops", async () => {
    const { start, keep, added, stop, left, clock, pass } = setUp(NO_CAPACITY, FORBIDDEN);
    keep(1, 3);
    start().wake();
    await pass(0);
    stop.abort();
    await pass(10);
    clock.advance(60_000);
    await pass(10);
    assert.deepEqual([added, left(), clock.pending], [[], 3, 0]);
  });

  it("asks the store for links again if it fails at the start", async () => {
    const { start, keep, noticed, database, clock, pass } = setUp(FORBIDDEN);
    keep(1, 1);
    start().wake();
    await pass(0);
    database.exec("ALTER TABLE unanswered RENAME TO hidden");
    start().start();
    await pass(1);
    database.exec("ALTER TABLE hidden RENAME TO unanswered");
    clock.advance(5_000);
    await pass(10);
    assert.deepEqual(noticed, [["1"]]);
  });
});
