import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { AnswerThread, ThreadRules } from "../../../src/core/inbound/threads.ts";
import { createAnswerThreads } from "../../../src/flows/turn/answer_threads.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const QUESTION = guildMessage({ id: messageId("1400000000000000101"), mention: "user" });
const THREAD = channelId("1400000000000000101");

function claimOf(message: InboundMessage, home: string = THREAD, attempt = 1): Claim {
  return {
    message,
    attempt,
    route: { agentId: "main", sessionKey: `agent:main:discord:channel:${home}` },
  };
}

/** Threads over a store in memory, and a Discord that does what the test says. */
function setUp(rules: Partial<ThreadRules> = {}, byModel = "") {
  const clock = new FakeClock();
  const rows = new Map<string, AnswerThread>();
  const world = { answers: [] as string[], asked: [] as string[] };
  const stopping = new AbortController();
  const left: boolean[] = [];
  const threads = createAnswerThreads({
    accountId: ACCOUNT,
    schedule: clock.schedule,
    stopping: stopping.signal,
    now: clock.now,
    log: recordingLog().log,
  }, {
    store: {
      answerThreads: () => Promise.resolve([...rows.values()]),
      answerThread: (_account, id) => Promise.resolve(rows.get(id)),
      beginThread(_account, thread) {
        if (!rows.has(thread.threadId)) rows.set(thread.threadId, thread);
        return Promise.resolve();
      },
      endThread(_account, id, state) {
        const row = rows.get(id);
        if (row) rows.set(id, { ...row, state });
        return Promise.resolve();
      },
      setAskerIn: (_account, _thread, isIn) => Promise.resolve(void left.push(!isIn)),
    },
    requests: {
      start(_channel, message, name, minutes) {
        world.asked.push(`${name} ${minutes}`);
        const answer = world.answers.shift();
        if (answer?.startsWith("id ")) {
          return Promise.resolve({ threadId: channelId(answer.slice(3)), existed: false });
        }
        return answer
          ? Promise.reject(new Error(answer))
          : Promise.resolve({ threadId: channelId(message), existed: false });
      },
      addMember: (_thread, id) => Promise.resolve(void world.asked.push(`add ${id}`)),
      archive: (id) => Promise.resolve(void world.asked.push(`archive ${id}`)),
    },
    refusalOf: (error) =>
      error instanceof Error && error.message === "forbidden" ? "forbidden" : undefined,
    rules: () => ({ auto: "mention", title: "words", archiveAfterMin: 60, ...rules }),
    matchesPattern: (text) => text.includes("barnie"),
    titleByModel: () => Promise.resolve(byModel),
    cleanSecrets: (text) => text.replaceAll("hunter2", "[redacted]"),
  });
  return { threads, clock, rows, world, left };
}

describe("[S7] createAnswerThreads() › opensFor()", () => {
  const { place } = QUESTION;
  assert.ok(place.kind === "guild");
  const thread = { id: channelId("9"), name: "t" };
  const cases: readonly [what: string, auto: ThreadRules["auto"], InboundMessage, boolean][] = [
    ["a mention", "mention", QUESTION, true],
    ["a pattern", "mention", guildMessage({ text: "barnie?" }), true],
    ["no mention", "mention", guildMessage({ text: "hello" }), false],
    ["no mention, with `all`", "all", guildMessage({ text: "hello" }), true],
    ["a mention, with `off`", "off", QUESTION, false],
    ["a message in a thread", "all", guildMessage({ place: guildPlace({ thread }) }), false],
    ["an unknown place", "all", guildMessage({ place: { ...place, isUnknown: true } }), false],
    ["a direct message", "all", directMessage(), false],
  ];
  for (const [what, auto, message, opens] of cases) {
    it(`${opens ? "opens" : "does not open"} a thread for ${what}`, () =>
      assert.equal(setUp({ auto }).threads.opensFor(message), opens));
  }
});

describe("[S7] createAnswerThreads() › homeOf()", () => {
  it("opens the thread, adds the asker, and moves the answer", async () => {
    const { threads, world, rows } = setUp();
    const home = await threads.homeOf(claimOf({ ...QUESTION, text: "my hunter2 tides" }), true);
    assert.equal(home?.message.channelId, THREAD);
    assert.deepEqual(world.asked, ["my [redacted] tides 60", `add ${QUESTION.sender.id}`]);
    assert.equal(rows.get(THREAD)?.state, "open");
    assert.ok(threads.continuesIn(THREAD));
  });

  it("opens none for a silent turn, or by default", async () => {
    const { threads, world } = setUp();
    const silent = claimOf(QUESTION);
    assert.equal(await threads.homeOf(silent, false), silent);
    const other = claimOf(QUESTION, QUESTION.channelId);
    assert.equal(threads.homeOf(other, true), undefined);
    assert.deepEqual(world.asked, []);
  });

  it("[D1] asks with the same title after a crash, and not at all once it is open", async () => {
    const { threads, world, rows } = setUp({ title: "model" }, "By the model");
    const row = { threadId: THREAD, channelId: QUESTION.channelId, askerId: QUESTION.sender.id };
    rows.set(THREAD, { ...row, title: "Before the crash", state: "opening" });
    await threads.homeOf(claimOf(QUESTION, THREAD, 2), true);
    assert.equal(world.asked[0], "Before the crash 60");
    world.asked.length = 0;
    const home = await threads.homeOf(claimOf(QUESTION, THREAD, 3), true);
    assert.equal(home?.message.channelId, THREAD);
    assert.deepEqual(world.asked, []);
  });

  it("takes the model's title, and the words if there is none", async () => {
    for (
      const [byModel, title] of [["**Feeding krill**", "Feeding krill"], ["", "hello"]] as const
    ) {
      const { threads, world } = setUp({ title: "model" }, byModel);
      await threads.homeOf(claimOf({ ...QUESTION, text: "hello" }), true);
      assert.equal(world.asked[0], `${title} 60`);
    }
  });

  it("answers in the channel after a refusal, and asks again after ten minutes", async () => {
    const { threads, world, rows, clock } = setUp();
    world.answers.push("forbidden");
    const claim = claimOf(QUESTION);
    assert.equal(await threads.homeOf(claim, true), claim);
    assert.equal(rows.get(THREAD)?.state, "refused");
    assert.ok(!threads.continuesIn(THREAD));
    assert.ok(!threads.opensFor(QUESTION));
    clock.advance(600_000);
    assert.ok(threads.opensFor(QUESTION));
  });

  it("tries again while Discord does not answer", async () => {
    const { threads, world, clock } = setUp();
    world.answers.push("down", "down");
    const home = threads.homeOf(claimOf(QUESTION), true);
    for (const delay of [1_000, 4_000]) {
      await settle();
      clock.advance(delay);
    }
    assert.equal((await home)?.message.channelId, THREAD);
    assert.equal(world.asked.filter((one) => one.endsWith("60")).length, 3);
  });

  it("[S3] moves the answer and its session if a tool has opened the thread", async () => {
    const { threads } = setUp({ auto: "off" });
    await threads.open(QUESTION, "By a tool");
    const home = await threads.homeOf(claimOf(QUESTION, QUESTION.channelId), true);
    assert.equal(home?.message.channelId, THREAD);
    assert.equal(home?.route.sessionKey, `agent:main:discord:channel:${THREAD}`);
  });
});

describe("[S7] createAnswerThreads() › membersChanged()", () => {
  it("continues only while the asker is in the thread", async () => {
    const { threads, left } = setUp();
    await threads.open(QUESTION, "t");
    const { sender: { id: asker } } = QUESTION;
    threads.membersChanged(THREAD, { joined: [], left: [userId("8")] });
    assert.ok(threads.continuesIn(THREAD));
    threads.membersChanged(THREAD, { joined: [], left: [asker] });
    assert.ok(!threads.continuesIn(THREAD));
    threads.membersChanged(THREAD, { joined: [userId("8")], left: [] });
    await settle();
    assert.ok(!threads.continuesIn(THREAD));
    threads.membersChanged(THREAD, { joined: [asker], left: [] });
    await settle();
    assert.ok(threads.continuesIn(THREAD));
    assert.deepEqual(left, [true, false]);
  });

  it("knows the threads of earlier runs", async () => {
    const { threads, rows } = setUp();
    const row = { threadId: THREAD, channelId: QUESTION.channelId, askerId: QUESTION.sender.id };
    rows.set(THREAD, { ...row, title: "t", state: "open" });
    await threads.start();
    assert.ok(threads.continuesIn(THREAD));
  });
});
