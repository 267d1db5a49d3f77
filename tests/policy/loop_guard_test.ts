import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId } from "../../src/core/discord/ids.ts";
import type { LoopRun } from "../../src/core/store/store.ts";
import { createLoopGuard, type Speaker } from "../../src/policy/loop_guard.ts";
import type { LoopGuardRules } from "../../src/policy/rules.ts";
import { channelId, messageId } from "../support/discord/builders.ts";
import { CHANNEL } from "./policies.ts";

const OTHER = channelId("1400000000000000077");
const THREAD = { channelId: channelId("1400000000000000078"), parentId: CHANNEL };
const RULES: LoopGuardRules = { maxTurns: 4, muteMs: 1_000 };
const HOUR = 3_600_000;
const BY = { p: "person", b: "bot", o: "own", f: "feed" } as const;

let last = 1_400_000_000_000_001_000n;

/** A guard with messages of growing ids, and what it has stored. */
function guarded(rules = RULES, runs: ReadonlyMap<ChannelId, LoopRun> = new Map()) {
  const stored = new Map(runs);
  let writes = 0;
  const guard = createLoopGuard(() => rules, runs, (channelId, run) => {
    writes++;
    if (run) stored.set(channelId, run);
    else stored.delete(channelId);
  });
  const at = (place: { channelId: ChannelId; parentId?: ChannelId }) => ({
    ...place,
    id: messageId(String(++last)),
  });
  return {
    stored,
    writes: () => writes,
    say: (by: Speaker, now: number, place: Parameters<typeof at>[0] = { channelId: CHANNEL }) =>
      guard.record(at(place), by, now),
    /** A bot asks; whether it gets an answer, which is not posted yet. */
    asks(now: number, place: Parameters<typeof at>[0] = { channelId: CHANNEL }) {
      const message = at(place);
      const isRefused = guard.refuses(message, now);
      return { isAnswered: !isRefused, isNews: guard.record(message, "bot", now, true) };
    },
    refuses: (now: number, place: Parameters<typeof at>[0] = { channelId: CHANNEL }) =>
      guard.refuses(at(place), now),
  };
}

/** Whether a bot gets no answer after messages a millisecond apart: `b`ot, `o`wn, `p`erson. */
function refusedAfter(messages: string): boolean {
  const { say, refuses } = guarded();
  for (const [index, by] of [...messages].entries()) say(BY[by as keyof typeof BY], index);
  return refuses(messages.length);
}

describe("[P11] createLoopGuard()", () => {
  const cases: readonly [messages: string, refused: boolean][] = [
    ["", false],
    ["bo", false],
    ["bob", true], // the next one is the fourth
    ["obo", true],
    ["bbo", true],
    ["obb", true],
    ["ooo", true],
    ["bbbbbb", false], // others among themselves
    ["obbbb", true], // muted when the fourth came
    ["pbob", true],
    ["bobp", false],
    ["bobpo", false],
    ["bobop", false], // a person ends it
    ["bobopbo", false],
    ["bobopbob", true],
    ["bbbbbbo", true],
    ["fofofofo", false], // a feed never answers
    ["fobobfo", true], // others talk beside it
  ];
  for (const [messages, refused] of cases) {
    it(`${messages || "nothing"}: ${refused ? "quiet" : "goes on"}`, () => {
      assert.equal(refusedAfter(messages), refused);
    });
  }

  it("refuses exactly if the last messages, the next included, are by bots and one is ours", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("p", "b", "o"), maxLength: 12 }), (said) => {
        const run = `${said.slice(said.lastIndexOf("p") + 1)}b`;
        let expected = false;
        for (let end = RULES.maxTurns; end <= run.length; end++) {
          expected ||= run.slice(end - RULES.maxTurns, end).includes("o");
        }
        assert.equal(refusedAfter(said), expected);
      }),
    );
  });

  it("counts answers under way, so they do not pass the limit, also if none is ever posted", () => {
    const { asks } = guarded();
    assert.deepEqual([1, 2, 3].map((at) => asks(at).isAnswered), [true, true, false]);
    assert.equal(asks(4).isAnswered, false);
  });

  it("[C9] uses the current rules", () => {
    let rules = { maxTurns: 10, muteMs: 1_000 };
    const guard = createLoopGuard(() => rules, new Map(), () => {});
    const next = (n: number) => ({ id: messageId(`14000000000000010${n}`), channelId: CHANNEL });
    for (let n = 10; n < 13; n++) guard.record(next(n), "own", n);
    rules = { maxTurns: 4, muteMs: 1_000 };
    guard.record(next(14), "bot", 14);
    assert.equal(guard.refuses(next(15), 15), true);
    rules = { maxTurns: 4, muteMs: 10 };
    assert.equal(guard.refuses(next(15), 24), false);
    rules = { maxTurns: 1, muteMs: 0 };
    guard.record(next(16), "own", 25);
    assert.equal(guard.refuses(next(17), 26), false, "0 minutes: the guard is off");
  });

  it("ends the mute after its time, though bots that ask nothing write meanwhile", () => {
    const { say, refuses } = guarded();
    for (let at = 1; at <= 4; at++) say(at % 2 ? "own" : "bot", at);
    for (let at = 5; at < 900; at += 10) say("bot", at);
    assert.equal(refuses(1_003), true);
    assert.equal(refuses(1_004), false);
    say("bot", 1_005);
    say("own", 1_006);
    assert.equal(refuses(1_007), false, "a conversation begins anew");
    say("bot", 1_008);
    assert.equal(refuses(1_009), true);
  });

  it("goes on with the mute while a bot asks, and each further one is twice as long", () => {
    const { asks, say } = guarded({ maxTurns: 6, muteMs: 600_000 });
    let answers = 0;
    let now = 0;
    const chat = (everyMs: number, untilMs: number) => {
      for (const end = now + untilMs; now < end; now += everyMs) {
        if (!asks(now).isAnswered) continue;
        say("own", now + 1);
        answers++;
      }
    };
    chat(30_000, 24 * HOUR);
    assert.equal(answers, 3, "a question every 30 s of a day");
    now += 24 * HOUR;
    chat(11 * 60_000, 24 * HOUR);
    assert.equal(answers, 6, "every 11 min: the second mute is 20 min");
    now += 24 * HOUR;
    chat(24 * HOUR, 100 * 24 * HOUR);
    assert.equal(answers, 106, "once a day, for ever");
    say("person", now);
    chat(11 * 60_000, HOUR);
    assert.equal(answers, 112, "the first mute is 10 min again");
  });

  it("tells the owner once of a refusal, until a person writes", () => {
    const { asks, say } = guarded();
    const news = [1, 2, 3, 4, 5_000, 5_001, 5_002].map((at) => asks(at).isNews);
    assert.deepEqual(news, [false, false, true, false, false, false, false]);
    say("person", 6_000);
    assert.deepEqual([6_001, 6_002, 6_003].map((at) => asks(at).isNews), [false, false, true]);
    const { say: write, refuses } = guarded();
    for (let at = 0; at < 4; at++) assert.equal(write("own", at), false, "it refuses no one");
    assert.equal(refuses(4), true);
  });

  it("counts a thread with its channel, and on its own", () => {
    const { say, refuses } = guarded();
    say("own", 0);
    say("bot", 1);
    say("own", 2, THREAD);
    assert.equal(refuses(3, THREAD), true, "goes on in a thread");
    assert.equal(refuses(3), true);
    assert.equal(refuses(3, { channelId: OTHER }), false);
    say("person", 4);
    assert.equal(refuses(5, THREAD), false);
    for (const by of ["bot", "own", "bot"] as const) {
      say(by, 6, THREAD);
      say("person", 7); // in the channel
    }
    assert.equal(refuses(8, THREAD), true, "no person spoke in the thread");
    assert.equal(refuses(8), false);
    say("person", 9, THREAD);
    assert.equal(refuses(10, THREAD), false);
  });

  it("counts no message twice", () => {
    const guard = createLoopGuard(() => RULES, new Map(), () => {});
    const again = { id: messageId("1400000000000001000"), channelId: CHANNEL };
    for (let at = 0; at < 9; at++) guard.record(again, "own", at);
    assert.equal(guard.refuses({ ...again, id: messageId("1400000000000001001") }, 9), false);
  });

  it("goes on counting after a restart at any point", () => {
    for (let stop = 0; stop <= 6; stop++) {
      let bot = guarded({ maxTurns: 6, muteMs: 600_000 });
      let total = 0;
      for (let turn = 0; turn < 20; turn++) {
        if (turn === stop) bot = guarded({ maxTurns: 6, muteMs: 600_000 }, bot.stored);
        if (turn % 2) total += bot.asks(turn).isAnswered ? 1 : 0;
        else if (total * 2 >= turn) bot.say("own", turn);
      }
      assert.ok(total <= 2, `${total} answers to a bot after ${stop}`);
    }
  });

  it("stores nothing for people, beyond one row for each channel with an answer", () => {
    const { say, writes, stored } = guarded();
    for (let at = 0; at < 50; at++) say("person", at);
    assert.equal(writes(), 0);
    for (let at = 50; at < 90; at += 4) {
      for (const by of ["p", "o", "o", "p"] as const) say(BY[by], at);
    }
    for (let at = 90; at < 99; at++) say("bot", at, { channelId: OTHER });
    assert.equal(writes(), 1);
    assert.deepEqual([...stored.keys()], [CHANNEL]);
  });

  it("keeps a bounded number of channels, the latest", () => {
    const { say, refuses, stored } = guarded({ maxTurns: 1, muteMs: 1_000 });
    const nth = (n: number) => channelId(String(1_400_000_000_000_000_000n + BigInt(n)));
    for (let n = 0; n <= 10_000; n++) say("own", 0, { channelId: nth(n) });
    assert.equal(refuses(1, { channelId: nth(0) }), false, "forgotten");
    assert.equal(refuses(1, { channelId: nth(1) }), true);
    assert.equal(refuses(1, { channelId: nth(10_000) }), true);
    assert.equal(stored.size, 10_000);
  });
});
