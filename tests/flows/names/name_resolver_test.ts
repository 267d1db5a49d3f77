import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GuildId } from "../../../src/core/discord/ids.ts";
import type { GuildNames } from "../../../src/core/inbound/inbound.ts";
import { createNameResolver } from "../../../src/flows/names/name_resolver.ts";
import { policy as accessPolicy } from "../../policy/policies.ts";
import { testAccount } from "../../support/account.ts";
import { guildId } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";

type ResolverAccount = Parameters<typeof createNameResolver>[0];

const SHARDS = 6;
const guildOf = (shard: number): GuildId =>
  guildId(String((340_000_000_000n * BigInt(SHARDS) + BigInt(shard)) << 22n));
const GUILDS = Array.from({ length: SHARDS }, (_, shard): GuildNames => {
  return { id: guildOf(shard), name: `Guild ${shard}`, channels: [], roles: [] };
});
/** A guild that does not exist, of shard 0. */
const WRONG = guildId(String((340_000_000_000n * BigInt(SHARDS) + 600n) << 22n));

/** A process whose config lists a guild of each shard, and some that do not exist. */
function setUp() {
  const { account, clock } = testAccount();
  const told: string[] = [];
  const known: GuildNames[] = [];
  const ids = [...GUILDS.map(({ id }) => id), WRONG];
  const policy = accessPolicy({
    guilds: Object.fromEntries(ids.map((id) => [id, { reactionNotifications: "off" }])),
  });
  const part = {
    ...account,
    policy: () => ({ policy }),
    store: { pairing: { namesOf: () => Promise.resolve([]) } },
    events: { emit: { namesLookedUp() {} } },
  };
  const whole = { ...part, forPart: () => part } as unknown as ResolverAccount;
  const resolver = createNameResolver(whole, {
    guilds: () => known,
    awaited: () => [],
    otherIds: () => [],
    described: (guild) => guild,
    searchMembers: () => Promise.resolve([]),
    isRefused: () => false,
    lookUp: {
      user: () => Promise.resolve(undefined),
      channel: () => Promise.resolve(undefined),
      hasWebhook: () => Promise.resolve(false),
      people: () => Promise.resolve([]),
    },
    keeper: { resolved: () => Promise.resolve(), hold() {} },
    notices: { add() {} },
    tellOwners(text) {
      told.push(text);
      return Promise.resolve();
    },
  });
  return {
    resolver,
    told,

    wrong: () => resolver.findings().map(({ why }) => /guilds\.(\d+)/.exec(why)?.[1]),
    /** The shard sends READY with its guild. */
    ready(shard: number) {
      known.push(...GUILDS.slice(shard, shard + 1));
      resolver.ready(shard);
    },
    async pass(ms: number) {
      for (let waited = 0; waited < ms; waited += 1_000) {
        clock.advance(1_000);
        await settle();
      }
    },
  };
}

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard);

describe("[P7] createNameResolver()", () => {
  it("reports no id of a guild whose shard connects later", async () => {
    const { resolver, told, wrong, ready, pass } = setUp();
    resolver.setShardCount(SHARDS);
    for (const shard of ALL) {
      ready(shard);
      await pass(5_000);
      assert.deepEqual(wrong().filter((id) => id !== WRONG), [], `with shard ${shard}`);
    }
    await pass(60_000);
    assert.deepEqual(wrong(), [WRONG]);
    assert.equal(told.length, 1);
  });

  it("reports the ids of other shards while one never connects, and its own once it does", async () => {
    const { resolver, told, wrong, ready, pass } = setUp();
    resolver.setShardCount(SHARDS);
    for (const shard of ALL.slice(1)) ready(shard);
    await pass(120_000);
    assert.deepEqual(wrong(), [], "the wrong guild would belong to shard 0");
    ready(0);
    await pass(60_000);
    assert.deepEqual(wrong(), [WRONG]);
    assert.equal(told.length, 1);
  });
});
