import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  catchUpOf,
  createMissedReading,
  endOfReading,
  MAX_PAGES,
} from "../../../src/flows/catch_up/catch_up.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { channelId, guildId, messageIdAt } from "../../support/discord/builders.ts";
import { guildData, messageData } from "../../support/discord/payloads.ts";

const START = Date.UTC(2026, 0, 1);
const GUILD = "1600000000000000001";
const CHANNEL = { id: channelId("1400000000000000011"), guildId: guildId(GUILD) };
const MINUTE = 60_000;
/** Catch-up reads so far back before the newest stored message. */
const MARGIN_MS = START - endOfReading(START);

interface World {
  /** Times of the messages, oldest first. */
  readonly said: readonly number[];
  /** Own messages among them. */
  readonly own?: ReadonlySet<number>;
  /** Messages among them that Barnacle cannot read. */
  readonly unreadable?: ReadonlySet<number>;
  readonly now?: number;
  readonly maxAgeMin?: number;
  readonly maxPerChannel?: number;
  /** Numbers of the requests that fail, from 1. */
  readonly broken?: ReadonlySet<number>;
}

/** A channel whose messages after {@link START} may be missing. No turn begins. */
async function setUp(world: World) {
  const { own = new Set(), unreadable = new Set(), maxAgeMin = 60, maxPerChannel = 100 } = world;
  const said = [...world.said];
  let requests = 0;
  const t = await testAccount({
    discord: {
      groupPolicy: "open",
      guilds: { "*": { requireMention: false } },
      gateway: { catchUp: { maxAgeMin, maxPerChannel } },
    },
    answer({ path }) {
      const [, query] = /\/messages\?(.*limit=100\b.*)$/.exec(path) ?? [];
      if (!query) return undefined;
      requests++;
      if (world.broken?.has(requests)) return new Error("503");
      const before = new URLSearchParams(query).get("before");
      const older = said.filter((at) => !before || BigInt(messageIdAt(at)) < BigInt(before));
      return older.slice(-100).toReversed().map((at) =>
        messageData({
          ...{ id: messageIdAt(at), channel_id: CHANNEL.id, type: unreadable.has(at) ? 6 : 0 },
          ...{ guild_id: undefined, member: undefined },
          ...(own.has(at) && { author: { id: SELF.userId, username: SELF.username } }),
        })
      );
    },
  });
  await t.receive(
    "GUILD_CREATE",
    guildData({ id: GUILD, threads: [], channels: [{ id: CHANNEL.id, type: 0, name: "help" }] }),
  );
  catchUpOf(t.account).sessionDue();
  t.clock.advance((world.now ?? Math.max(START, ...said)) - t.clock.now());
  const tally = { read: 0, answered: 0, tooOld: 0, tooMany: 0 };
  return {
    ...t,
    tally,
    reads: () => requests,
    /** A reading of the channel, with the records of earlier ones. */
    read: () => createMissedReading(t.account, CHANNEL, START + MARGIN_MS, tally),
    /** Another message arrives. */
    say: (at: number) => void said.push(at),
    known: () =>
      new Map(
        t.rows("SELECT message_id, why FROM decision ORDER BY id")
          .map(({ message_id, why }) => [String(message_id), why]),
      ),
  };
}

/** This number of messages, a second apart, from a second after the start. */
const seconds = (count: number, from = START): number[] =>
  Array.from({ length: count }, (_, index) => from + (index + 1) * 1_000);

describe("[G6] createMissedReading()", () => {
  it("records a bounded number of messages, and reports that", async () => {
    const { read, tally, reads } = await setUp({ said: seconds(3_000) });
    const reading = read();
    assert.equal(await reading.answer(), "more");
    assert.ok(await reading.record());
    assert.equal(reads(), 2 + MAX_PAGES, "and one to see whether there are more");
    assert.equal(tally.tooMany, MAX_PAGES * 100);
  });

  for (const [count, isAll] of [[1_100, true], [1_101, false], [1_150, false]] as const) {
    it(`tells whether it has read all of ${count} messages behind older ones`, async () => {
      const missed = seconds(count);
      const { read } = await setUp({ said: [...seconds(150, START - 200_000), ...missed] });
      const reading = read();
      assert.equal(await reading.answer(), "more");
      const unread = await reading.record();
      const oldest = messageIdAt(missed[count - 1_100] ?? 0);
      assert.deepEqual(unread, isAll ? undefined : { before: oldest, isExpected: true });
    });
  }

  for (const [end, isReadable] of [[400, true], [401, false]] as const) {
    const kind = isReadable ? "a readable" : "an unreadable";
    it(`finds the same end after a restart, and a later one after another loss, at ${kind} message`, async () => {
      const said = seconds(1_500);
      const unreadable = new Set(isReadable ? [] : [said[400] ?? 0]);
      const { read, say } = await setUp({ said, unreadable });
      const reading = read();
      await reading.answer();
      const first = await reading.record();
      assert.equal(first?.before, messageIdAt(said[end] ?? 0));
      let last = said.at(-1) ?? 0;
      for (const count of [1, 150, 1_500]) {
        for (const at of seconds(count, last)) say(last = at);
        const again = read();
        await again.answer();
        const unread = await again.record();
        if (count < 1_000) assert.equal(unread?.before, first.before, `after ${count} messages`);
        else assert.ok(BigInt(unread?.before ?? 0) > BigInt(first.before), "messages are missing");
      }
    });
  }

  it("stores everything once and in order, for any failures and page sizes", async () => {
    const world = fc.record({
      gaps: fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 450 }),
      ownEvery: fc.integer({ min: 2, max: 9 }),
      offset: fc.integer({ min: 0, max: 600_000 }),
      maxAgeMin: fc.integer({ min: 1, max: 120 }),
      maxPerChannel: fc.integer({ min: 1, max: 300 }),
      broken: fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
    });
    const property = fc.asyncProperty(
      world,
      async ({ gaps, ownEvery, offset, broken, ...limits }) => {
        let at = START - offset;
        const said = gaps.map((ms) => at += ms);
        const own = new Set(said.filter((_, index) => index % ownEvery === 0));
        const now = Math.max(START, at) + 1_000;
        const all = await setUp({ said, own, now, ...limits, broken: new Set(broken) });
        const reading = all.read();
        await untilDone(() => reading.answer());
        const first = [...all.known().keys()];
        assert.deepEqual(first, first.toSorted((a, b) => BigInt(a) < BigInt(b) ? -1 : 1));
        await untilDone(() => reading.record());
        const others = said.filter((ms) => ms > START && !own.has(ms));
        const newest = new Set(others.slice(-limits.maxPerChannel));
        const known = all.known();
        assert.deepEqual(new Set(known.keys()), new Set(others.map(messageIdAt)));
        assert.equal(all.tally.read, others.length, "each once");
        for (const ms of others) {
          const isOld = now - ms > limits.maxAgeMin * MINUTE;
          const why = isOld ? "too-old" : newest.has(ms) ? "mention-not-required" : "too-many";
          assert.equal(known.get(messageIdAt(ms)), why);
        }
        const answered = all.rows("SELECT message_id AS id FROM inbox ORDER BY id").map(({ id }) =>
          id
        );
        const expected = others.filter((ms) =>
          newest.has(ms) && now - ms <= limits.maxAgeMin * MINUTE
        );
        assert.deepEqual(answered, expected.map(messageIdAt));
      },
    );
    await fc.assert(property, { numRuns: 30 });
  });
});

async function untilDone(attempt: () => Promise<unknown>): Promise<void> {
  for (let left = 20; left > 0; left--) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (left === 1 || !/503/.test(String(error))) throw error;
    }
  }
}
