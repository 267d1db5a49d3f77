import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Self } from "../../../../src/core/inbound/inbound.ts";
import {
  createOnlineReport,
  planShards,
  type ShardFacts,
} from "../../../../src/discord/gateway/main/connection.ts";
import type { StoredShard } from "../../../../src/store/gateway/gateway.ts";
import { guildId, userId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { sameData } from "../../../support/same_data.ts";

const SELF = { userId: userId("12"), username: "Krill" } as Self;

function setUp() {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const seen: { bot: Self; guilds: readonly string[] }[] = [];
  const index = new Map<string, { readonly name: string }>();
  const reader: { self?: Self; index: never } = { self: SELF, index: index as never };
  const report = createOnlineReport({
    reader,
    schedule: clock.schedule,
    stopping: stopping.signal,
    onOnline: (bot, guilds) => seen.push({ bot, guilds }),
  });
  return { clock, stopping, seen, index, reader, report };
}

describe("[O2] createOnlineReport()", () => {
  it("reports once, after the last guild has arrived", () => {
    const { clock, seen, index, report } = setUp();
    report.ready();
    for (const name of ["Krill Co", "Friends"]) {
      clock.advance(400);
      index.set(guildId(`${index.size + 1}`), { name });
      report.changed();
    }
    assert.deepEqual(seen, []);
    clock.advance(500);
    assert.deepEqual(seen.map(({ guilds }) => guilds), [["Krill Co", "Friends"]]);
    report.changed();
    report.ready();
    clock.advance(5_000);
    assert.equal(seen.length, 1);
  });

  it("waits for the bot's identity", () => {
    const world = setUp();
    delete world.reader.self;
    world.report.ready();
    world.clock.advance(5_000);
    assert.equal(world.seen.length, 0);
    world.reader.self = SELF;
    world.report.changed();
    world.clock.advance(500);
    assert.deepEqual(world.seen.map(({ bot }) => bot.username), ["Krill"]);
  });
});

const NOW = Date.UTC(2026, 10, 20);

const shard = (shardId: number, heardMsAgo = 1_000): StoredShard => ({
  shardId,
  session: {
    sessionId: `session-${shardId}`,
    resumeUrl: "wss://resume.example",
    seq: 40 + shardId,
    startedAt: NOW - 60_000,
    aliveAt: NOW - heardMsAgo,
  },
  storedUpTo: NOW - heardMsAgo,
  aliveAt: NOW - heardMsAgo,
});

const facts = (change: Partial<ShardFacts> = {}): ShardFacts => ({
  count: 1,
  stored: { shardCount: 1, shards: [shard(0)] },
  sessionCacheTtlSec: 300,
  resumeSession: true,
  intents: 7,
  isComplete: true,
  identifyInMs: 0,
  now: NOW,
  ...change,
});

describe("[G5] planShards()", () => {
  it("resumes each session from its stored state", () => {
    const stored = { shardCount: 2, shards: [shard(0), shard(1)] };
    const { shards, lost, isResharded } = planShards(facts({ count: 2, stored }));
    sameData(shards.map(({ session }) => session), [
      { sessionId: "session-0", resumeUrl: "wss://resume.example", seq: 40 },
      { sessionId: "session-1", resumeUrl: "wss://resume.example", seq: 41 },
    ]);
    assert.deepEqual([lost, isResharded], [[], false]);
  });

  const cases: readonly [what: string, change: Partial<ShardFacts>, why: RegExp | undefined][] = [
    ["one within the limit", { stored: { shardCount: 1, shards: [shard(0, 300_000)] } }, undefined],
    ["one that is too old", { stored: { shardCount: 1, shards: [shard(0, 300_001)] } }, /too old/],
    ["one whose guilds are not known any more", { isComplete: false }, /guilds/],
    ["none if the config says so", { resumeSession: false }, /resumeSession/],
    [
      "one of the same intents",
      { stored: { shardCount: 1, intents: 7, shards: [shard(0)] } },
      undefined,
    ],
    [
      "one of other intents, which a RESUME would keep",
      { stored: { shardCount: 1, intents: 3, shards: [shard(0)] } },
      /intents/,
    ],
  ];
  for (const [what, change, why] of cases) {
    it(`${why ? "gives up" : "resumes"} ${what}`, () => {
      const { shards, lost } = planShards(facts(change));
      assert.equal(shards[0]?.session !== undefined, why === undefined);
      assert.equal(lost.length, why ? 1 : 0);
      if (why) assert.match(lost[0]?.why ?? "", why);
    });
  }

  it("reports no lost session at a first start", () => {
    const plan = planShards(facts({ stored: { shards: [] } }));
    assert.deepEqual(plan, {
      shards: [{ id: 0, identifyInMs: 0 }],
      lost: [],
      isResharded: false,
      hasOtherIntents: false,
    });
  });

  it("resumes no session of another number of shards", () => {
    const { shards, isResharded } = planShards(facts({ count: 2 }));
    assert.equal(isResharded, true);
    assert.deepEqual(shards.map(({ session }) => session), [undefined, undefined]);
  });
});
