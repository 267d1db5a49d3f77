/**
 * Tests two Barnacles on two machines that are left alone in a channel for an hour, with a clock of
 * the test. Each has its own judge and its own store.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId, UserId } from "../../../src/core/discord/ids.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { judge, recordOwn } from "../../../src/flows/judging/judge.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import {
  channelId,
  guildMessage,
  guildPlace,
  messageId,
  messageIdAt,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { cases } from "../../support/long_form.ts";

const CHANNEL = guildPlace().channel;
const HOUR = 3_600_000;
const ADA = userId("123456789012345678");
const FEED = userId("1400000000000000555");

/**
 * How a Barnacle answers: beside the question, as a reply, by a mention, by a text command, in a
 * thread on the question, in the channel and in threads by turns, or by a reaction.
 */
const WAYS = ["message", "reply", "mention", "command", "thread", "hops", "reaction"] as const;
type Way = typeof WAYS[number];

interface Posted {
  readonly by: UserId;
  readonly channelId: ChannelId;
  readonly way: Way;
}

/** A channel with a clock of its own. */
function room(feeds: readonly UserId[] = []) {
  const clock = new FakeClock();
  const posted: Posted[] = [];
  let count = 0;
  const hears: ((message: InboundMessage) => void)[] = [];
  const discord = {
    groupPolicy: "open",
    allowBots: true,
    loopGuard: { feeds },
    guilds: { [guildPlace().guild.id]: { requireMention: false } },
  };

  function post(by: UserId, way: Way, place: ChannelId = CHANNEL.id): void {
    const isThread = place !== CHANNEL.id;
    const message = guildMessage({
      id: messageId(String(BigInt(messageIdAt(clock.now())) + BigInt(++count))),
      sender: sender({ id: by, automaton: by === ADA ? undefined : "bot" }),
      text: way === "command" ? "/status" : "And you?",
      mention: way === "mention" ? "user" : way === "reply" ? "reply" : undefined,
      place: guildPlace(isThread ? { thread: { id: place, name: "answer" } } : {}),
      channelId: place,
    });
    if (by !== ADA && way !== "reaction") posted.push({ by, channelId: place, way });
    for (const hear of hears) hear(message);
  }

  /** Adds a Barnacle, which answers after some time. */
  async function add(me: UserId, ways: readonly [Way, ...Way[]], delayMs: number) {
    const { account, posted, quiet } = await testAccount({ discord, clock });
    let answers = 0;
    hears.push((message) => {
      const { id, channelId: place } = message;
      if (message.sender.id === me) {
        const parentId = place === CHANNEL.id ? undefined : CHANNEL.id;
        return recordOwn(account, { id, channelId: place, parentId });
      }
      if (judge(account, message).verdict.kind !== "accept") return;
      const way = ways[answers++ % ways.length] ?? "message";
      if (way === "reaction") return;
      const opens = way === "thread" && place === CHANNEL.id || way === "hops" && answers % 2 === 0;
      const home = opens ? channelId(String(id)) : way === "hops" ? CHANNEL.id : place;
      clock.schedule(() => post(me, way, home), delayMs);
    });
    return {
      /** How often its owner was told. */
      async told() {
        await quiet();
        return posted().filter((text) => text.includes("only bots write")).length;
      },
      answers: () => answers,
      restart: () => void (account.live.length = 0), // the store stays
    };
  }

  return { clock, posted, post, add };
}

const A = userId("1400000000000000701");
const B = userId("1400000000000000702");

describe("[P11] [N3] two Barnacles left alone for an hour", () => {
  it("exchange at most 6 messages, however they answer, with restarts in between", () =>
    fc.assert(
      fc.asyncProperty(
        fc.tuple(
          ...[A, B].map(() => fc.array(fc.constantFrom(...WAYS), { minLength: 1, maxLength: 3 })),
        ),
        fc.tuple(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 1, max: 400_000 })),
        fc.array(fc.tuple(fc.integer({ min: 0, max: HOUR }), fc.boolean()), { maxLength: 4 }),
        fc.boolean(),
        async (ways, delays, restarts, isAsked) => {
          const { clock, posted, post, add } = room();
          const bots = await Promise.all([A, B].map((me, n) => {
            const [first = "message", ...others] = ways[n] ?? [];
            return add(me, [first, ...others], delays[n] ?? 1);
          }));
          for (const [at, isFirst] of restarts) {
            clock.schedule(() => bots[isFirst ? 0 : 1]?.restart(), at);
          }
          if (isAsked) post(ADA, "message");
          else post(A, "message");
          clock.advance(HOUR);
          assert.ok(posted.length <= 6, JSON.stringify(posted));
        },
      ),
      { numRuns: cases(40, 1_500) },
    ));

  it("exchange 6 messages at all, and each owner learns of it once", async () => {
    const { clock, posted, post, add } = room();
    const one = await add(A, ["message"], 30_000);
    const other = await add(B, ["message"], 30_000);
    post(A, "message");
    clock.advance(HOUR);
    assert.equal(posted.length, 6);
    assert.equal(await one.told() + await other.told(), 1, "of the last message");
    post(ADA, "message");
    clock.advance(HOUR);
    assert.ok(posted.length > 6, "a person began anew");
  });
});

describe("[P11] a bot that writes every 30 s, all night", () => {
  for (const way of ["message", "reaction"] as const) {
    it(`costs three turns, answered by ${way}`, async () => {
      const { clock, post, add } = room();
      const { answers, told } = await add(A, [way], 2_000);
      for (let at = 0; at < 10 * HOUR; at += 30_000) {
        clock.advance(30_000);
        post(B, "message");
      }
      assert.equal(answers(), 3);
      assert.equal(await told(), 1);
    });
  }

  it("gets each answer if it is a feed, and bots beside it do not", async () => {
    const { clock, posted, post, add } = room([FEED]);
    const { answers } = await add(A, ["message"], 2_000);
    await add(B, ["message"], 3_000);
    for (let at = 0; at < 10 * HOUR; at += 30_000) {
      clock.advance(30_000);
      post(FEED, "message");
    }
    assert.ok(answers() >= 1_200);
    const ofFeed = 1_200;
    assert.ok(posted.length <= 3 * ofFeed + 6, `${posted.length} messages`);
    const before = answers();
    post(FEED, "reply");
    assert.equal(answers(), before, "what replies is no feed");
  });
});
