import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cameBy, type InboundMessage, type Role } from "../../../src/core/inbound/inbound.ts";
import { setSchedule } from "../../../src/features/schedules/own.ts";
import { schedules as feature } from "../../../src/features/schedules/feature.ts";
import { runEnded, schedules, wakeSchedules } from "../../../src/features/schedules/runner.ts";
import { MAX_PER_USER, setByOf } from "../../../src/features/schedules/store.ts";
import type { NewSchedule } from "../../../src/features/schedules/store.ts";
import type { Model, ModelRequest } from "../../../src/core/model.ts";
import {
  ACCOUNT,
  directMessage,
  guildMessage,
  messageId,
  roleId,
  sender,
} from "../../support/discord/builders.ts";
import { type AtDiscord, discordWith, GUILD, HELP, STAFF } from "../../support/discord/guild.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { nextRun, readWhen } from "../../../src/features/schedules/when.ts";

const HOUR = 3_600_000;
const OPEN = { guilds: { [GUILD]: { requireMention: false } } };

/** An account in an open guild, before its schedules begin. The model says nothing new. */
async function build(discord: object = OPEN, isFailing = () => false) {
  const world: AtDiscord = {};
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "test/model",
    async *generate(request) {
      asked.push(request);
      if (isFailing()) throw new Error("garbage");
      yield { kind: "text", text: "done" };
      yield { kind: "finish", reason: "stop" };
    },
  };
  const scene = await testAccount({
    ...{ discord, model, answer: discordWith(world) },
    features: [feature],
  });
  const { account, clock, store, rows } = scene;
  const { start, stop } = schedules;
  return {
    ...scene,
    asked,
    world,
    start: async () => {
      start(account);
      await scene.quiet();
    },
    stop: () => stop(account),
    add: (fields: Partial<NewSchedule> = {}) =>
      store.schedules.create({
        accountId: ACCOUNT,
        creatorId: guildMessage().sender.id,
        isOwnWords: true,
        callKey: `call ${rows("SELECT id FROM schedule").length}`,
        setBy: setByOf(guildMessage(), "main"),
        kind: "reminder",
        text: "tea",
        nextAt: clock.now() + HOUR,
        createdAt: clock.now(),
        ...fields,
      }),
    /** What the owners were told, without the ids. */
    told: () =>
      scene.posted().filter((text) => /task|paused/i.test(text)).map((text) =>
        text.replace(/\d{15,}/g, "#")
      ),
    reasons: () => rows("SELECT why FROM decision").map(({ why }) => why),
  };
}

describe("[T12] schedules", () => {
  it("[R15] have a text without small type and invisible characters", async () => {
    const { account } = await build();
    const text = "-# t\u200be\u{e0041}a";
    const reminder = { when: "2h", text, agentId: "main", callKey: "a" };
    assert.equal((await setSchedule(account, guildMessage(), reminder)).text, "tea");
  });

  it("post a due reminder once, and it is over", async () => {
    const { clock, start, add, posted, pass, requests, store } = await build();
    await add({ nextAt: clock.now() + 1_000 });
    await start();
    await pass(3_000, 1_000);
    assert.deepEqual(posted(), ["<@123456789012345678> Reminder: tea"]);
    assert.equal(requests.filter(({ path }) => path.endsWith("/messages")).length, 1);
    assert.equal((await store.schedules.list(ACCOUNT))[0]?.nextAt, undefined);
  });

  it("[C3] [R2a] [R4] post names and code as answers do, and ping only their creator", async () => {
    const { account, start, pass, requests } = await build();
    const text = "ask @ada (123456789012345678)\n~~~\nx\n~~~";
    const reminder = { when: "1m", text, agentId: "main", callKey: "a" };
    await setSchedule(account, guildMessage(), reminder);
    await start();
    await pass(63_000, 1_000);
    const sent = requests.find(({ path }) => path.endsWith("/messages"));
    const { content, allowed_mentions: pings } = Object(sent?.body);
    assert.match(content, /ask <@123456789012345678>\n```\nx\n```$/);
    assert.deepEqual([pings.users, pings.roles, pings.parse], [["123456789012345678"], [], []]);
  });

  it("run a missed repeated reminder once at the start, and say when it was due", async () => {
    const { clock, start, add, posted, store } = await build();
    await add({ cron: "0 * * * *" });
    const due = (clock.now() + HOUR) / 1_000;
    clock.sleep(5 * HOUR);
    await start();
    assert.deepEqual(posted(), [
      `<@123456789012345678> Reminder from <t:${due}:f>, when I was offline: tea`,
    ]);
    assert.equal((await store.schedules.list(ACCOUNT))[0]?.nextAt, clock.now() + HOUR);
  });

  it("store the turn of a task once, if the process dies before its run is recorded", async () => {
    const { clock, start, add, store, account, rows, quiet } = await build();
    await add({ kind: "task" });
    clock.sleep(HOUR);
    const { begin } = store.schedules;
    Object.assign(store.schedules, { begin: () => Promise.reject(new Error("died")) });
    await start();
    Object.assign(store.schedules, { begin });
    wakeSchedules(account);
    await quiet();
    assert.equal(rows("SELECT message_id FROM inbox").length, 1);
    assert.equal(rows("SELECT id FROM schedule_run").length, 1);
  });

  it("run a task as a message of its creator, marked as scheduled", async () => {
    const { clock, start, add, asked, rows, posted } = await build();
    await add({ kind: "task", text: "sum up" });
    clock.sleep(HOUR);
    await start();
    const [row] = rows("SELECT message, state FROM inbox");
    const message: InboundMessage = JSON.parse(String(row?.["message"]));
    const { sender, channelId } = guildMessage();
    assert.deepEqual(
      [message.sender, message.channelId, message.text, cameBy(message, "schedule")?.scheduleId],
      [sender, channelId, "sum up", 1],
    );
    assert.match(JSON.stringify(asked[0]?.messages.at(-1)), /sum up/);
    assert.deepEqual([row?.["state"], posted()], ["answered", ["done"]]);
  });

  type Built = Awaited<ReturnType<typeof build>>;
  const restored = ({ database, clock }: Built) =>
    database.exec(`INSERT INTO setting VALUES ('', 'store', 'restored', '1', ${clock.now()})`);
  const gone = ({ world }: Built) => void (world.members = new Map());
  const dm = setByOf(directMessage(), "main");
  for (
    const [what, discord, prepare, why, fields] of [
      ["after its creator lost access", { groupPolicy: "disabled" }, () => {}, "guilds-disabled"],
      ["that was due before a restore", OPEN, restored, "restored"],
      ["whose creator has left", OPEN, gone, "creator-gone"],
      ["by a pairing code", { dm: { policy: "pairing" } }, () => {}, "dm-not-allowed", {
        setBy: dm,
      }],
    ] as const
  ) {
    for (const kind of ["reminder", "task"] as const) {
      it(`do not run a ${kind} ${what}, and record why`, async () => {
        const built = await build(discord);
        const { clock, start, add, posted, rows, reasons, lines } = built;
        await add({ kind, ...fields });
        clock.sleep(HOUR);
        prepare(built);
        await start();
        assert.deepEqual([posted(), reasons()], [[], [why]]);
        assert.deepEqual(rows("SELECT message_id FROM inbox"), []);
        assert.deepEqual(rows("SELECT id FROM pairing_request"), []);
        assert.deepEqual(rows("SELECT next_at FROM schedule"), [{ next_at: null }]);
        assert.equal(lines.filter(({ event }) => event.startsWith("A schedule")).length, 1);
      });
    }
  }

  const FAR = "2990-01-01T00:00:00.000000+00:00";
  for (
    const [what, member, channelId, mayWrite] of [
      ["sees the channel no more", {}, STAFF, false],
      ["is timed out", { communication_disabled_until: FAR }, HELP, false],
      ["was timed out", { communication_disabled_until: "2020-01-01T00:00:00Z" }, HELP, true],
      ["is pending", { pending: true }, HELP, false],
      ["has a name in quarantine", { flags: 1 << 7 }, HELP, false],
      ["has a guild tag in quarantine", { flags: 1 << 10 | 1 }, HELP, false],
      ["has come back", { flags: 1 }, HELP, true],
    ] as const
  ) {
    for (const kind of ["reminder", "task"] as const) {
      it(`${mayWrite ? "run" : "send"} a ${kind} of one who ${what}`, async () => {
        const { clock, start, add, rows, world, pass, asked } = await build();
        world.member = member;
        await add({ kind, setBy: setByOf(guildMessage({ channelId }), "main") });
        clock.sleep(HOUR);
        await start();
        await pass(6_000, 6_000);
        const sent = rows(
          "SELECT channel_id, message ->> '$.content' AS text FROM outbox" +
            " WHERE state = 'sent' AND kind IS NOT NULL",
        );
        const here = sent.filter((row) => row["channel_id"] === channelId);
        const direct = sent.filter((row) => row["channel_id"] !== channelId);
        assert.deepEqual([here.length, direct.length], mayWrite ? [1, 0] : [0, 1]);
        const words = kind === "reminder" ? /Reminder.*: tea$/ : /can't post my answer/;
        if (!mayWrite) assert.match(String(direct[0]?.["text"]), words);
        assert.equal(asked.length, kind === "task" && mayWrite ? 1 : 0);
      });
    }
  }

  it("try again after a minute if Discord does not answer", async () => {
    const { clock, start, add, posted, world, pass } = await build();
    world.isDown = true;
    await add();
    clock.sleep(HOUR);
    await start();
    assert.deepEqual(posted(), []);
    world.isDown = false;
    await pass(60_000);
    assert.equal(posted().length, 1);
  });

  for (
    const [why, discord, world] of [
      ["may not run", { groupPolicy: "disabled" }, {}],
      ["cannot be delivered", OPEN, { refusesPosts: true }],
    ] as const
  ) {
    it(`pause after three in a row that ${why}, and tell the owners once`, async () => {
      const { start, add, pass, store, told, ...built } = await build(discord);
      Object.assign(built.world, world);
      await add({ cron: "0 * * * *", setBy: setByOf(guildMessage({ channelId: HELP }), "main") });
      await start();
      await pass(5 * HOUR, 10 * 60_000);
      assert.deepEqual(told().map((text) => /paused/.test(text)), [true]);
      assert.equal((await store.schedules.list(ACCOUNT))[0]?.pausedBy, "failures");
      assert.equal((await store.schedules.runsOf(1, 9)).length, 3);
    });
  }

  it("[C9] go by the config after a reload, also in a turn that began before it", async () => {
    const { clock, account, start, add, posted, reload, pass, reasons } = await build();
    await start();
    await reload({ groupPolicy: "disabled" });
    await add({ nextAt: clock.now() + 1_000 });
    wakeSchedules(account);
    await pass(1_000);
    assert.deepEqual([posted(), reasons()], [[], ["guilds-disabled"]]);
  });

  for (
    const [where, origin, count] of [
      ["a guild", guildMessage(), 1],
      ["direct messages, where its creator gets a line", directMessage(), 0],
    ] as const
  ) {
    it(`[R11] tell the owners of a failed task in ${where}`, async () => {
      const { account, clock, start, add, pass, told } = await build({
        ...OPEN,
        dm: { policy: "open", allowFrom: ["*"] },
      }, () => true);
      await start();
      await add({ kind: "task", setBy: setByOf(origin, "main"), nextAt: clock.now() });
      wakeSchedules(account);
      await pass(60_000, 1_000); // the model is asked several times
      assert.equal(told().length, count);
      runEnded(account, messageId("7")); // another turn
      await pass(5_000);
      assert.equal(told().length, count);
    });
  }

  it("[O12] tell the owners once a day of a task that fails every second hour", async () => {
    let isFailing = true;
    const { start, add, pass, told } = await build(OPEN, () => isFailing);
    await add({ kind: "task", cron: "0 * * * *" });
    await start();
    const hours = async (count: number, fails: (hour: number) => boolean) => {
      for (let hour = 0; hour < count; hour++) {
        isFailing = fails(hour);
        await pass(HOUR, 60_000);
      }
    };
    await hours(10, (hour) => hour % 2 === 0);
    assert.equal(told().length, 1);
    await hours(24, () => false);
    await hours(1, () => true);
    await pass(10_000);
    assert.equal(told().length, 2);
  });

  const roles: fc.Arbitrary<readonly Role[]> = fc.subarray([{ id: roleId("31") }, {
    id: roleId("32"),
  }]);

  it("have the roles that their creator has then, and no lost one (law)", () =>
    fc.assert(
      fc.asyncProperty(roles, fc.option(roles, { nil: undefined }), async (before, now) => {
        const { clock, start, stop, add, rows, world } = await build();
        const creator = sender({ roles: before });
        world.members = new Map(now ? [[creator.id, now.map(({ id }) => id)]] : []);
        await add({
          kind: "task",
          setBy: setByOf(guildMessage({ sender: creator }), "main"),
          nextAt: clock.now(),
        });
        await start();
        await stop();
        const [row] = rows("SELECT message ->> '$.sender.roles' AS roles FROM inbox");
        assert.equal(row?.["roles"], now && JSON.stringify(now));
      }),
      { numRuns: 10 },
    ));
});

describe("[T12] store.schedules", () => {
  it(`lets a user have ${MAX_PER_USER} schedules ahead, and more once one is over`, async () => {
    const { add, store } = await build();
    for (let number = 0; number < MAX_PER_USER; number++) assert.ok(await add());
    assert.equal(await add({ callKey: "one more" }), undefined);
    await store.schedules.remove(1);
    assert.ok(await add({ callKey: "one more" }));
  });

  it("counts a run as delivered once Discord has its message", async () => {
    const { clock, start, add, store, rows } = await build();
    await add();
    clock.sleep(HOUR);
    await start();
    const state = async () => (await store.schedules.runsOf(1, 1))[0]?.state;
    for (const [row, run] of [["sent", "delivered"], ["dead", "undelivered"]]) {
      rows(`UPDATE outbox SET state = '${row}' RETURNING id`);
      assert.equal(await state(), run);
    }
  });
});

const VIENNA = { now: Date.UTC(2026, 2, 27, 12), timezone: "Europe/Vienna" };

async function read(text: string, clock = VIENNA): Promise<string> {
  const when = await readWhen(text, clock);
  return when.kind === "problem" ? when.why : `${when.kind} ${new Date(when.at).toISOString()}`;
}

describe("[T8] [T12] readWhen()", () => {
  const cases: readonly [text: string, read: string][] = [
    ["90m", "once 2026-03-27T13:30:00.000Z"],
    ["in 2 hours and 30 minutes", "once 2026-03-27T14:30:00.000Z"],
    ["1.5h", "once 2026-03-27T13:30:00.000Z"],
    ["2 days", "once 2026-03-29T12:00:00.000Z"],
    ["PT2H", "once 2026-03-27T14:00:00.000Z"],
    ["P1W", "once 2026-04-03T12:00:00.000Z"],
    ["2026-03-28T09:00", "once 2026-03-28T08:00:00.000Z"],
    ["2026-03-28 09:00:30", "once 2026-03-28T08:00:30.000Z"],
    ["2028-02-29T09:00Z", "once 2028-02-29T09:00:00.000Z"],
    ["2026-03-28T09:00Z", "once 2026-03-28T09:00:00.000Z"],
    ["2026-03-28T09:00+0530", "once 2026-03-28T03:30:00.000Z"],
    ["0 9 * * 1", "cron 2026-03-30T07:00:00.000Z"],
    ["2026-03-29T02:30", "once 2026-03-29T01:30:00.000Z"], // the clock skips it
    ["2026-10-25T02:30", "once 2026-10-25T00:30:00.000Z"], // the first of two
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text}`, async () => assert.equal(await read(text), expected));
  }

  const refused: readonly [text: string, why: RegExp][] = [
    ["2026-03-01T09:00", /in the past/],
    ["0s", /in the past/],
    ["2040-01-01T00:00", /years ahead/],
    ["2026-02-31T09:00", /no date and time/],
    ["2026-04-31T09:00", /no date and time/],
    ["2026-04-31T09:00Z", /no date and time/],
    ["2027-02-29T09:00", /no date and time/],
    ["2026-00-10T09:00", /no date and time/],
    ["2026-13-40T99:99", /no date and time/],
    ["tomorrow", /write a local time/],
    ["3 moons", /write a local time/],
    ["* * * * * *", /write a local time/],
    ["99 * * * *", /no cron pattern/],
    ["0 0 30 2 *", /never runs/],
    ["", /write a local time/],
  ];
  for (const [text, why] of refused) {
    it(`refuses "${text}"`, async () => assert.match(await read(text), why));
  }
});

describe("[T8] nextRun()", () => {
  it("runs a daily pattern once a day through both changes of the clock", async () => {
    const runs: string[] = [];
    for (const from of [Date.UTC(2026, 2, 28), Date.UTC(2026, 9, 24)]) {
      let now = from;
      for (let day = 0; day < 3; day++) {
        now = await nextRun("30 2 * * *", { ...VIENNA, now }) ?? NaN;
        runs.push(new Date(now).toISOString());
      }
    }
    assert.deepEqual(runs, [
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
      "2026-10-24T00:30:00.000Z",
      "2026-10-25T00:30:00.000Z",
      "2026-10-26T01:30:00.000Z",
    ]);
  });
});
