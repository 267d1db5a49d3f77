import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import { MAX_PER_USER, type NewSchedule, originOf } from "../../../src/core/turn/schedule.ts";
import {
  createRunner,
  type RunnerAccount,
  type RunParts,
} from "../../../src/flows/schedules/runner.ts";
import { composeReminder } from "../../../src/render/tool_message.ts";
import { ACCOUNT, directMessage, guildMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore, ROUTE } from "../../support/store/store.ts";

const HOUR = 3_600_000;
const ACCEPT: Verdict = { kind: "accept", why: "mentioned", rule: "rule" };
const IGNORE: Verdict = {
  kind: "ignore",
  why: "sender-not-listed",
  rule: "r",
  keepAsContext: true,
};

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await settle();
}

function build(ports: Partial<RunParts> = {}) {
  const clock = new FakeClock();
  const { store, rows, database } = openTestStore();
  const { log, lines } = recordingLog();
  const judged: InboundMessage[] = [];
  const paused: number[] = [];
  const failed: number[] = [];
  const counts = { turns: 0 };
  const create = (schedules: RunnerAccount["store"]["schedules"] = store.schedules) =>
    createRunner({
      accountId: ACCOUNT,
      store: { schedules, inbox: store.inbox },
      events: { emit: { asked: () => void counts.turns++, outbox: () => {} } },
      schedule: clock.schedule,
      now: clock.now,
      log,
    }, {
      creatorNow: (origin) => Promise.resolve({ kind: "here", origin }),
      judge: (message) => {
        judged.push(message);
        return Promise.resolve({ verdict: ACCEPT });
      },
      route: () => ROUTE,
      compose: (message) =>
        composeReminder({
          message,
          isLate: message.scheduled?.isLate === true,
          agentId: "main",
        }, {
          chunks: { limit: 2_000, maxLines: 99, mode: "length", maxChunks: 1 },
          cleanSecrets: (text) => text,
          tables: "code",
        }),
      nextRun: () => Promise.resolve(clock.now() + HOUR),
      tellFailed: ({ id }) => failed.push(id),
      tellPaused: ({ id }) => paused.push(id),
      ...ports,
    });
  const add = (fields: Partial<NewSchedule> = {}) =>
    store.schedules.create({
      callKey: `call ${Math.max(0, rows("SELECT id FROM schedule").length)}`,
      origin: originOf(guildMessage(), "main"),
      kind: "reminder",
      text: "tea",
      nextAt: clock.now() + HOUR,
      ...fields,
    }, clock.now());
  const posted = () =>
    rows("SELECT message ->> '$.content' AS text FROM outbox ORDER BY id").map(({ text }) => text);
  return {
    clock,
    store,
    rows,
    database,
    lines,
    judged,
    paused,
    failed,
    counts,
    create,
    add,
    posted,
  };
}

describe("[T12] createRunner()", () => {
  it("posts a due reminder once, and it is over", async () => {
    const { clock, create, add, posted, store, counts } = build();
    await add({ nextAt: clock.now() + 1_000 });
    create().start();
    await quiet();
    for (let check = 0; check < 3; check++) {
      clock.advance(1_000);
      await quiet();
    }
    assert.deepEqual(posted(), ["<@123456789012345678> Reminder: tea"]);
    assert.equal(counts.turns, 0);
    assert.equal((await store.schedules.list(ACCOUNT))[0]?.nextAt, undefined);
  });

  it("runs a missed repeated reminder once at the start, and says when it was due", async () => {
    const { clock, create, add, posted, store } = build();
    await add({ cron: "0 * * * *" });
    const due = (clock.now() + HOUR) / 1_000;
    clock.advance(5 * HOUR);
    create().start();
    await quiet();
    assert.deepEqual(posted(), [
      `<@123456789012345678> Reminder from <t:${due}:f>, when I was offline: tea`,
    ]);
    assert.equal((await store.schedules.list(ACCOUNT))[0]?.nextAt, clock.now() + HOUR);
  });

  it("stores the turn of a task once, if the process dies before its run is recorded", async () => {
    const { clock, create, add, store, rows } = build();
    await add({ kind: "task" });
    clock.advance(HOUR);
    const dying = { ...store.schedules, begin: () => Promise.reject(new Error("died")) };
    create(dying).start();
    await quiet();
    create().start();
    await quiet();
    assert.equal(rows("SELECT id FROM inbox").length, 1);
    assert.equal(rows("SELECT id FROM schedule_run").length, 1);
  });

  it("runs a task as a message of its creator, marked as scheduled", async () => {
    const { clock, create, add, judged, counts } = build();
    await add({ kind: "task", text: "sum up" });
    clock.advance(HOUR);
    create().start();
    await quiet();
    const { sender, channelId } = guildMessage();
    assert.deepEqual(
      judged.map((one) => [one.sender, one.channelId, one.text, one.scheduled?.scheduleId]),
      [[sender, channelId, "sum up", 1]],
    );
    assert.equal(counts.turns, 1);
  });

  for (const kind of ["reminder", "task"] as const) {
    it(`does not run a ${kind} if its creator lost access, and records why`, async () => {
      const { clock, create, add, posted, rows, lines } = build({
        judge: () => Promise.resolve({ verdict: IGNORE }),
      });
      await add({ kind });
      clock.advance(HOUR);
      create().start();
      await quiet();
      assert.deepEqual(posted(), []);
      assert.deepEqual(rows("SELECT state FROM inbox"), []);
      assert.deepEqual(rows("SELECT verdict, why FROM decision"), [
        { verdict: "ignore", why: "sender-not-listed" },
      ]);
      assert.deepEqual(rows("SELECT messages FROM message_block"), []);
      assert.equal(lines.length, 1);
    });
  }

  it("[O11] does not run what was due before a restore, and records why", async () => {
    const { clock, create, add, posted, rows, database } = build();
    await add();
    clock.advance(HOUR);
    database.exec(`INSERT INTO setting VALUES ('', 'store', 'restored', '1', ${clock.now()})`);
    create().start();
    await quiet();
    assert.deepEqual(posted(), []);
    assert.deepEqual(rows("SELECT why FROM decision"), [{ why: "restored" }]);
    assert.deepEqual(rows("SELECT next_at FROM schedule"), [{ next_at: null }]);
  });

  it("does not run for a creator who has left", async () => {
    const { clock, create, add, posted, rows } = build({
      creatorNow: () => Promise.resolve({ kind: "gone" }),
    });
    await add();
    clock.advance(HOUR);
    create().start();
    await quiet();
    assert.deepEqual(posted(), []);
    assert.deepEqual(rows("SELECT why FROM decision"), [{ why: "creator-gone" }]);
  });

  it("gives no pairing code, and waits for no fact", async () => {
    const challenge: Verdict = { kind: "challenge", why: "pairing", rule: "dm" };
    const { clock, create, add, rows } = build({
      judge: () => Promise.resolve({ verdict: challenge }),
    });
    await add();
    clock.advance(HOUR);
    create().start();
    await quiet();
    assert.deepEqual(rows("SELECT why FROM decision"), [{ why: "dm-not-allowed" }]);
    assert.deepEqual(rows("SELECT id FROM pairing_request"), []);
  });

  it("tries again after a minute if Discord does not answer", async () => {
    let isDown = true;
    const { clock, create, add, posted } = build({
      creatorNow: (origin) =>
        isDown ? Promise.reject(new Error("down")) : Promise.resolve({ kind: "here", origin }),
    });
    await add();
    clock.advance(HOUR);
    create().start();
    await quiet();
    assert.deepEqual(posted(), []);
    isDown = false;
    clock.advance(60_000);
    await quiet();
    assert.equal(posted().length, 1);
  });

  it("pauses a repeated schedule after three failures in a row, and tells it once", async () => {
    const { clock, create, add, paused, store } = build({
      judge: () => Promise.resolve({ verdict: IGNORE }),
    });
    await add({ cron: "0 * * * *" });
    create().start();
    for (let hour = 0; hour < 5; hour++) {
      await quiet();
      for (let step = 0; step < 6; step++) {
        clock.advance(10 * 60_000);
        await quiet();
      }
    }
    assert.deepEqual(paused, [1]);
    assert.equal((await store.schedules.list(ACCOUNT))[0]?.pausedBy, "failures");
    assert.equal((await store.schedules.runsOf(1, 9)).length, 3);
  });

  for (
    const [where, origin, told] of [
      ["a guild", guildMessage(), [1]],
      ["direct messages, where its creator gets a line", directMessage(), []],
    ] as const
  ) {
    it(`[R11] tells the owners of a failed task in ${where}`, async () => {
      const { clock, create, add, failed, paused, store } = build();
      const runner = create();
      runner.start();
      await add({ kind: "task", origin: originOf(origin, "main"), nextAt: clock.now() });
      runner.changed();
      await quiet();
      const claim = await store.inbox.claimNext(ACCOUNT, clock.now(), []);
      assert.ok(claim);
      const end = { kind: "failed", failureId: "a1", reason: "garbage" } as const;
      await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, clock.now());
      runner.ended(claim.message.id);
      await quiet();
      assert.deepEqual(failed, told);
      assert.deepEqual(paused, []);
      runner.ended(messageId("7")); // another turn
      await quiet();
      assert.deepEqual(failed, told);
    });
  }

  it("[O12] tells the owners once a day of a task that fails every second hour", async () => {
    const { clock, create, add, failed, store } = build();
    const runner = create();
    runner.start();
    await add({ kind: "task", origin: originOf(guildMessage(), "main"), cron: "0 * * * *" });
    const hour = async (isFailing: boolean) => {
      for (let step = 0; step < 6; step++) {
        clock.advance(10 * 60_000);
        await quiet();
      }
      const claim = await store.inbox.claimNext(ACCOUNT, clock.now(), []);
      assert.ok(claim);
      const end = isFailing
        ? { kind: "failed", failureId: "a1", reason: "garbage" } as const
        : { kind: "declined" } as const;
      await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, clock.now());
      runner.ended(claim.message.id);
      await quiet();
    };
    runner.changed();
    await quiet();
    for (let round = 0; round < 15; round++) {
      await hour(true);
      await hour(false);
    }
    assert.deepEqual(failed, [1]);
    for (let round = 0; round < 24; round++) await hour(false);
    await hour(true);
    assert.deepEqual(failed, [1, 1]);
  });
});

describe("[T12] store.schedules", () => {
  it(`lets a user have ${MAX_PER_USER} schedules ahead, and more once one is over`, async () => {
    const { add, store } = build();
    for (let number = 0; number < MAX_PER_USER; number++) assert.ok(await add());
    assert.equal(await add({ callKey: "one more" }), undefined);
    await store.schedules.remove(1);
    assert.ok(await add({ callKey: "one more" }));
  });

  it("counts a run as delivered once Discord has its message", async () => {
    const { clock, create, add, store, rows } = build();
    await add();
    clock.advance(HOUR);
    create().start();
    await quiet();
    const state = async () => (await store.schedules.runsOf(1, 1))[0]?.state;
    assert.equal(await state(), "sending");
    for (const [row, run] of [["sent", "delivered"], ["dead", "undelivered"]]) {
      rows(`UPDATE outbox SET state = '${row}' RETURNING id`);
      assert.equal(await state(), run);
    }
  });
});
