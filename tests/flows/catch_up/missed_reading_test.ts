import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import { type Judged, NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import type { PostedMessage } from "../../../src/core/inbound/inbound.ts";
import type { Verdict } from "../../../src/core/inbound/inbox.ts";
import {
  createMissedReading,
  MAX_PAGES,
  type Page,
} from "../../../src/flows/catch_up/missed_reading.ts";
import { ACCOUNT, channelId, guildMessage, messageIdAt } from "../../support/discord/builders.ts";
import { accepted } from "../../support/store/store.ts";

const START = Date.UTC(2026, 0, 1);
const CHANNEL = { id: channelId("1400000000000000011") };
const ACCEPT: Verdict = { kind: "accept", why: "mentioned", rule: "r" };
const MINUTE = 60_000;

interface World {
  /** Times of the messages, oldest first. */
  readonly said: readonly number[];
  /** Own messages among them. */
  readonly own?: ReadonlySet<number>;
  /** Messages among them that Barnacle cannot read. */
  readonly unreadable?: ReadonlySet<number>;
  readonly since?: number;
  readonly now?: number;
  readonly maxAgeMs?: number;
  readonly maxPerChannel?: number;
  /** Numbers of the batches that the store refuses. */
  readonly refused?: ReadonlySet<number>;
  /** Numbers of the requests that fail, from 1. */
  readonly broken?: ReadonlySet<number>;
}

function setUp(world: World) {
  const { said, own = new Set(), unreadable = new Set() } = world;
  const { since = START, maxAgeMs = 60 * MINUTE, maxPerChannel = 100 } = world;
  const now = world.now ?? Math.max(START, ...said);
  const events = said.map((at): PostedMessage => {
    const id = messageIdAt(at);
    if (own.has(at)) return { kind: "own_message", accountId: ACCOUNT, channelId: CHANNEL.id, id };
    return guildMessage({ id, channelId: CHANNEL.id });
  });
  let requests = 0;
  let stores = 0;
  const batches: { readonly ids: readonly string[]; readonly verdicts: readonly string[] }[] = [];
  const known = new Map<string, string>();
  const tally = { read: 0, answered: 0, tooOld: 0, tooMany: 0 };

  function readPage(before?: MessageId): Promise<Page> {
    requests++;
    if (world.broken?.has(requests)) return Promise.reject(new Error("503"));
    const older = events.filter(({ id }) => !before || BigInt(id) < BigInt(before));
    const page = older.slice(-100).toReversed();
    const oldest = page.at(-1)?.id;
    const readable = page.filter(({ id }) => !unreadable.has(createdAtMs(id)));
    const isLast = page.length < 100;
    return Promise.resolve({ events: readable, isLast, ...(oldest && { oldest }) });
  }

  const ports: Parameters<typeof createMissedReading>[2] = {
    readPage,
    isRecorded: (id) => Promise.resolve(known.has(id)),
    limits: { maxAgeMs, maxPerChannel },
    now: () => now,
    acceptHistory(batch, judgeAs = (_, verdict) => verdict) {
      if (world.refused?.has(++stores)) return Promise.reject(new Error("disk full"));
      const verdicts = batch.flatMap((event) =>
        event.kind === "message" ? [judgeAs(event, ACCEPT).why] : ["own"]
      );
      batches.push({ ids: batch.map(({ id }) => id), verdicts });
      const judged: Judged[] = [];
      for (const [at, event] of batch.entries()) {
        const why = verdicts[at] ?? "";
        if (known.has(event.id)) continue;
        if (event.kind === "message" && why === "mentioned") judged.push(accepted(event));
        known.set(event.id, why);
      }
      return Promise.resolve({ ...NOTHING_ACCEPTED, accepted: judged });
    },
  };
  /** A reading of the channel, with the records of earlier ones. */
  const read = () => createMissedReading(since, tally, ports);
  /** Another message arrives. */
  const say = (at: number) =>
    void events.push(guildMessage({ id: messageIdAt(at), channelId: CHANNEL.id }));
  const seen = { batches, known, tally, requests: () => requests };
  return { reading: read(), read, say, ...seen };
}

/** This number of messages, a second apart, from a second after the start. */
const seconds = (count: number, from = START): number[] =>
  Array.from({ length: count }, (_, index) => from + (index + 1) * 1_000);

describe("[G6] createMissedReading()", () => {
  it("records a bounded number of messages, and reports that", async () => {
    const { reading, tally, requests } = setUp({ said: seconds(3_000) });
    assert.equal(await reading.answer(), "more");
    assert.ok(await reading.record());
    assert.equal(requests(), 2 + MAX_PAGES, "and one to see whether there are more");
    assert.equal(tally.tooMany, MAX_PAGES * 100);
  });

  for (const [count, isAll] of [[1_100, true], [1_101, false], [1_150, false]] as const) {
    it(`tells whether it has read all of ${count} messages behind older ones`, async () => {
      const before = seconds(150, START - 200_000);
      const missed = seconds(count);
      const { reading } = setUp({ said: [...before, ...missed] });
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
      const { reading, read, say } = setUp({ said, unreadable });
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
      maxAgeMs: fc.integer({ min: MINUTE, max: 120 * MINUTE }),
      maxPerChannel: fc.integer({ min: 1, max: 300 }),
      broken: fc.uniqueArray(fc.integer({ min: 1, max: 12 })),
    });
    await fc.assert(
      fc.asyncProperty(
        world,
        async ({ gaps, ownEvery, offset, maxAgeMs, maxPerChannel, broken }) => {
          let at = START - offset;
          const said = gaps.map((ms) => at += ms);
          const own = new Set(said.filter((_, index) => index % ownEvery === 0));
          const limits = { maxAgeMs, maxPerChannel };
          const now = at + 1_000;
          const all = setUp({ said, own, now, ...limits, broken: new Set(broken) });
          await untilDone(async () => {
            await all.reading.answer();
          });
          const first = all.batches.length;
          await untilDone(async () => {
            await all.reading.record();
          });
          assert.ok(first <= 1, "answerable messages are stored together");

          const missed = said.filter((ms) => ms > START);
          const expected = missed.map(messageIdAt);
          const handed = all.batches.flatMap(({ ids }) => ids);
          assert.deepEqual(new Set(handed), new Set(expected));
          assert.equal(handed.length, expected.length, "each once");
          for (const { ids } of all.batches) {
            assert.deepEqual(ids, ids.toSorted((a, b) => BigInt(a) < BigInt(b) ? -1 : 1));
          }
          const others = missed.filter((ms) => !own.has(ms));
          const newest = new Set(others.slice(-maxPerChannel));
          for (const ms of others) {
            const why = now - ms > maxAgeMs ? "too-old" : newest.has(ms) ? "mentioned" : "too-many";
            assert.equal(all.known.get(messageIdAt(ms)), why);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

async function untilDone(attempt: () => Promise<void>): Promise<void> {
  for (let left = 20; left > 0; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 1 || !/503/.test(String(error))) throw error;
    }
  }
}
