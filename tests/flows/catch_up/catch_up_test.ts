import { bareAccount } from "../../support/account.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NOTHING_ACCEPTED } from "../../../src/core/inbound/inbox.ts";
import type { ChannelId, GuildId, MessageId } from "../../../src/core/discord/ids.ts";
import type { PostedMessage } from "../../../src/core/inbound/inbound.ts";
import { type CatchUpPorts, createCatchUp } from "../../../src/flows/catch_up/catch_up.ts";
import { LISTING_MS, MAX_DELAY_MS } from "../../../src/flows/catch_up/turn_delay.ts";
import type { MissedChannel } from "../../../src/flows/catch_up/missed_reading.ts";
import {
  ACCOUNT,
  channelId,
  guildId,
  guildMessage,
  guildPlace,
  messageIdAt,
} from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { accepted } from "../../support/store/store.ts";
import { recordingLog } from "../../support/recording_log.ts";

const START = Date.UTC(2026, 0, 1);
const KRILL = guildId("1600000000000000001");
const ELSEWHERE = guildId("1600000000000000002");
const GENERAL = channelId("1700000000000000001");
const HELP = channelId("1700000000000000002");
const LOUNGE = channelId("1700000000000000003");
const DM = channelId("1700000000000000004");
const SECRET = channelId("1700000000000000005");

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
};

class Refused extends Error {}

/** A Discord with a history, a store with a gap, and the faults of both. */
function setUp(options: Partial<Pick<CatchUpPorts, "isEnabled" | "mayActInDirect">> = {}) {
  const clock = new FakeClock(START + 60_000);
  const { log, lines } = recordingLog();
  const world = {
    said: new Map<ChannelId, number[]>(),
    guildOf: new Map<ChannelId, GuildId>([[GENERAL, KRILL], [HELP, KRILL], [SECRET, KRILL], [
      LOUNGE,
      ELSEWHERE,
    ]]),
    awaited: new Set<GuildId>(),
    direct: [] as ChannelId[],
    /** Channels without a known last message, and channels in which the bot may not act. */
    unknown: new Set<ChannelId>(),
    closed: new Set<ChannelId>(),
    /** Results of requests about a channel. */
    answers: new Map<ChannelId, "empty" | "refused" | "down">(),
    missing: new Map<ChannelId, readonly string[]>(),
    isStoreDown: false,
    gap: undefined as number | undefined,
    /** Time at which the newest loss was discovered. */
    lostAt: 1,
  };
  const steps: string[] = [];
  const taken: MessageId[] = [];
  let released = 0;

  function channelsOf(planned: ReadonlySet<GuildId>): MissedChannel[] {
    return [...world.guildOf]
      .filter(([, guild]) => !world.awaited.has(guild) && !planned.has(guild))
      .map(([id, guild]): MissedChannel => {
        const last = world.said.get(id)?.at(-1);
        const name = { id, name: String(id).slice(-1) };
        return {
          id,
          guildId: guild,
          place: guildPlace({ guild: { id: guild, name: "g" }, channel: name }),
          ...(!world.unknown.has(id) && { lastMessageId: last ? messageIdAt(last) : "none" }),
        };
      });
  }

  const catchUp = createCatchUp({
    accountId: ACCOUNT,
    isEnabled: true,
    mayActInDirect: true,
    ...options,
    limits: { maxAgeMs: 3_600_000, maxPerChannel: 100 },
    store: {
      gateway: {
        loadAccount: () =>
          Promise.resolve({
            shards: [0, 1].map((shardId) => ({
              shardId,
              catchUpFrom: world.gap,
              lostAt: world.lostAt,
              storedUpTo: 0,
              aliveAt: 0,
            })),
          }),
        finishCatchUp(account, shardId, from, lostAt = world.lostAt) {
          if (world.isStoreDown) return Promise.reject(new Error("disk full"));
          assert.equal(account, ACCOUNT);
          steps.push(`closed ${shardId} ${from - START}`);
          if (world.gap === from && world.lostAt === lostAt) world.gap = undefined;
          return Promise.resolve();
        },
      },
      messages: {
        directChannels: () =>
          world.isStoreDown
            ? Promise.reject(new Error("disk full"))
            : Promise.resolve(world.direct),
      },
    },
    places: (_shard, planned) => ({ channels: channelsOf(planned), awaited: [...world.awaited] }),
    mayAct: ({ channel }) => !world.closed.has(channel.id),
    readPage({ id }, before) {
      const answer = world.answers.get(id);
      steps.push(`read ${id.slice(-1)}`);
      if (answer === "refused") return Promise.reject(new Refused());
      if (answer === "down") return Promise.reject(new Error("503"));
      const said = answer === "empty" ? [] : world.said.get(id) ?? [];
      const older = said.map(messageIdAt).filter((one) => !before || BigInt(one) < BigInt(before));
      const events = older.slice(-100).toReversed().map((one): PostedMessage =>
        guildMessage({ id: one, channelId: id })
      );
      const oldest = events.at(-1)?.id;
      return Promise.resolve({ events, isLast: events.length < 100, ...(oldest && { oldest }) });
    },
    readPermissions(guild) {
      steps.push(`look at ${guild.slice(-1)}`);
      const missing = new Map(world.missing);
      return Promise.resolve((id) => missing.get(id) ?? []);
    },
    isRefused: (error) => error instanceof Refused,
    tellUnread: () => Promise.resolve(),
    isRecorded: () => Promise.resolve(false),
    acceptHistory(events) {
      if (world.isStoreDown) return Promise.reject(new Error("disk full"));
      const fresh = events.filter(({ id }) => !taken.includes(id));
      taken.push(...fresh.map(({ id }) => id));
      const judged = fresh.flatMap((event) => event.kind === "message" ? [accepted(event)] : []);
      return Promise.resolve({ ...NOTHING_ACCEPTED, accepted: judged });
    },
    now: clock.now,
    schedule: clock.schedule,
    random: () => 0.5,
    log,
    account: bareAccount({}, { turns: () => released++ }),
  });
  const say = (id: ChannelId, ...at: readonly number[]) =>
    void world.said.set(id, [...world.said.get(id) ?? [], ...at.map((ms) => START + ms)]);
  const gap = { shardId: 0, catchUpFrom: START };
  return { catchUp, clock, gap, lines, say, steps, taken, world, released: () => released };
}

const events = (lines: ReturnType<typeof recordingLog>["lines"], level: string) =>
  lines.filter((line) => line.level === level).map(({ event }) => event);

describe("[G6] createCatchUp()", () => {
  it("reads channels with new messages, direct messages first, and closes the gap", async () => {
    const { catchUp, gap, lines, say, steps, taken, world } = setUp();
    say(GENERAL, 1_000, 2_000);
    say(LOUNGE, 1_500);
    say(HELP, -60_000);
    say(DM, 3_000);
    world.direct = [DM];
    catchUp.resume([gap]);
    await settle();
    assert.deepEqual(steps, ["read 4", "read 1", "read 3", "closed 0 0"]);
    assert.deepEqual(taken, [3_000, 1_000, 2_000, 1_500].map((ms) => messageIdAt(START + ms)));
    assert.deepEqual([catchUp.delayedChannels(), catchUp.pending()], [[], 0]);
    assert.deepEqual(lines.map(({ level, fields }) => ({ level, ...fields })), [{
      level: "info",
      channels: 3,
      read: 4,
      answered: 4,
      tooOld: 0,
      tooMany: 0,
      unreadable: 0,
      seconds: 0,
    }]);
  });

  it("reads channels without a known last message, and none in which the bot may not act", async () => {
    const { catchUp, gap, say, steps, taken, world } = setUp({ mayActInDirect: false });
    say(GENERAL, 1_000);
    say(HELP, -60_000);
    world.direct = [DM];
    world.unknown.add(HELP);
    world.closed.add(GENERAL);
    catchUp.resume([gap]);
    await settle();
    assert.deepEqual(steps, ["read 2", "closed 0 0"]);
    assert.deepEqual(taken, []);
  });

  it("reads no direct messages on a shard without them", async () => {
    const { catchUp, gap, steps, world } = setUp();
    world.direct = [DM];
    catchUp.resume([{ ...gap, shardId: 1 }]);
    await settle();
    assert.deepEqual(steps, ["closed 1 0"]);
  });

  it("waits for a guild with an outage, and closes the gap when it is back", async () => {
    const { catchUp, clock, gap, say, steps, world } = setUp();
    say(GENERAL, 1_000);
    world.awaited.add(ELSEWHERE);
    catchUp.resume([gap]);
    await settle();
    assert.deepEqual(steps, ["read 1"]);
    assert.equal(catchUp.pending(), 1);
    clock.advance(MAX_DELAY_MS);
    say(LOUNGE, 9_000);
    world.awaited.clear();
    catchUp.ready();
    await settle();
    assert.deepEqual(steps, ["read 1", "read 3", "closed 0 0"]);
  });

  describe("delayed turns", () => {
    it("are all from a session's start on, then those in channels still to be read", async () => {
      const { catchUp, gap, say, world, released } = setUp();
      say(GENERAL, 1_000);
      say(HELP, 2_000);
      world.awaited.add(ELSEWHERE);
      world.gap = gap.catchUpFrom;
      catchUp.sessionStarting(0);
      assert.equal(catchUp.delayedChannels(), "all");
      catchUp.sessionStarted(0);
      assert.equal(catchUp.delayedChannels(), "all");
      world.answers.set(HELP, "down");
      await settle();
      assert.equal(catchUp.delayedChannels(), "all", "a guild is still to come");
      world.awaited.clear();
      catchUp.ready();
      await settle();
      assert.deepEqual(catchUp.delayedChannels(), [HELP]);
      assert.ok(released() > 0);
    });

    it("[G5b] are all again at a session that was due for longer than turns are delayed", async () => {
      const { catchUp, clock, gap, say, world } = setUp();
      say(GENERAL, 1_000);
      world.gap = gap.catchUpFrom;
      catchUp.sessionDue(0);
      assert.equal(catchUp.delayedChannels(), "all");
      clock.advance(MAX_DELAY_MS);
      assert.deepEqual(catchUp.delayedChannels(), []);
      catchUp.sessionStarting(0);
      assert.equal(catchUp.delayedChannels(), "all");
      catchUp.sessionStarted(0);
      await settle();
      assert.deepEqual(catchUp.delayedChannels(), []);
      catchUp.sessionDue(0);
      assert.equal(catchUp.delayedChannels(), "all", "another one has its own time");
    });

    it("[G5b] goes on with a gap while another session is due, and reads it again after that", async () => {
      const { catchUp, gap, say, steps, taken, world } = setUp();
      say(GENERAL, 1_000);
      world.gap = gap.catchUpFrom;
      world.awaited.add(ELSEWHERE);
      catchUp.resume([gap]);
      await settle();
      assert.deepEqual(steps, ["read 1"]);
      catchUp.sessionDue(0);
      say(LOUNGE, 2_000);
      world.awaited.delete(ELSEWHERE);
      catchUp.ready(); // for an IDENTIFY of tomorrow, the messages would be too old
      await settle();
      assert.ok(steps.includes("read 3"), steps.join());
      assert.equal(taken.length, 2);
      world.gap = gap.catchUpFrom; // the store has kept it, because the session lacks events
      world.lostAt++;
      catchUp.sessionStarting(0);
      catchUp.sessionStarted(0);
      await settle();
      assert.equal(steps.at(-1), "closed 0 0");
      assert.equal(world.gap, undefined);
    });

    it("[G5b] are all after a start with a session that lacks events, and its gap is read", async () => {
      const { catchUp, clock, gap, say, steps, taken, world } = setUp();
      say(GENERAL, 1_000);
      world.gap = gap.catchUpFrom;
      catchUp.resume([{ ...gap, session: { hasHole: true } }]);
      await settle(); // the IDENTIFY may have to wait until tomorrow
      clock.advance(LISTING_MS);
      assert.equal(catchUp.delayedChannels(), "all", "the new session is still to come");
      assert.ok(steps.includes("read 1"), steps.join());
      assert.equal(taken.length, 1);
    });

    it("are all again after another lost session, while a guild stays away", async () => {
      const { catchUp, clock, gap, say, steps, world } = setUp();
      say(GENERAL, 1_000);
      world.awaited.add(ELSEWHERE);
      world.gap = gap.catchUpFrom;
      catchUp.sessionStarting(0);
      catchUp.sessionStarted(0);
      await settle();
      clock.advance(MAX_DELAY_MS);
      assert.deepEqual(catchUp.delayedChannels(), []);
      clock.advance(3_600_000);
      say(GENERAL, 3_600_000);
      world.lostAt++;
      catchUp.sessionStarting(0);
      assert.equal(catchUp.delayedChannels(), "all");
      catchUp.sessionStarted(0);
      await settle();
      assert.deepEqual(steps, ["read 1", "read 1"]);
      clock.advance(LISTING_MS);
      assert.deepEqual(catchUp.delayedChannels(), [], "its history is in");
    });

    it("are all if a box boots before its router, with an earlier gap", async () => {
      const { catchUp, clock, gap, say, world } = setUp();
      say(GENERAL, 1_000);
      world.answers.set(GENERAL, "down");
      catchUp.resume([gap]);
      for (let waited = 0; waited < MAX_DELAY_MS; waited += 1_000) {
        await settle();
        clock.advance(1_000);
      }
      assert.deepEqual(catchUp.delayedChannels(), []);
      world.answers.clear();
      world.gap = gap.catchUpFrom;
      world.answers.set(HELP, "down");
      say(HELP, 60_000);
      catchUp.sessionStarting(0);
      assert.equal(catchUp.delayedChannels(), "all");
      catchUp.sessionStarted(0);
      await settle();
      assert.deepEqual(catchUp.delayedChannels(), [HELP], "regardless of earlier waits");
    });

    it("are all for at most half a minute, while the store refuses the session", () => {
      const { catchUp, clock } = setUp();
      catchUp.sessionStarting(0);
      clock.advance(MAX_DELAY_MS - 1);
      catchUp.sessionStarting(0);
      assert.equal(catchUp.delayedChannels(), "all");
      clock.advance(1);
      catchUp.sessionStarting(0);
      assert.deepEqual([catchUp.delayedChannels(), clock.pending], [[], 0]);
    });

    it("begin after half a minute, and catch-up continues", async () => {
      const { catchUp, clock, gap, say, taken, world } = setUp();
      say(GENERAL, 1_000);
      world.answers.set(GENERAL, "down");
      catchUp.resume([gap]);
      for (let waited = 0; waited < MAX_DELAY_MS; waited += 1_000) {
        await settle();
        clock.advance(1_000);
        if (waited < LISTING_MS - 1_000) continue;
        const isOver = waited + 1_000 >= MAX_DELAY_MS;
        assert.deepEqual(catchUp.delayedChannels(), isOver ? [] : [GENERAL]);
      }
      assert.deepEqual(taken, []);
      world.answers.clear();
      await settle();
      clock.advance(60_000);
      await settle();
      assert.deepEqual(taken, [messageIdAt(START + 1_000)]);
      assert.equal(catchUp.pending(), 0);
    });
  });

  describe("an unreadable channel", () => {
    it("is reported with the missing permission, if Discord returns no message", async () => {
      const { catchUp, gap, lines, say, steps, world } = setUp();
      say(GENERAL, 1_000);
      say(HELP, 1_000);
      world.answers.set(GENERAL, "empty");
      world.answers.set(HELP, "empty");
      world.missing.set(GENERAL, ["Read Message History"]);
      catchUp.resume([gap]);
      await settle();
      assert.deepEqual(steps, ["read 1", "look at 1", "read 2", "closed 0 0"], "one look does");
      const missing = ["Read Message History"];
      assert.deepEqual(catchUp.unreadable(), [{ channelId: GENERAL, name: "#1", missing }]);
      const [warning] = lines.filter(({ level }) => level === "warn");
      assert.match(warning?.event ?? "", /Cannot read the missed messages in #1/);
      assert.match(String(warning?.fields["fix"]), /Grant .*"Read Message History" in #1/);
    });

    it("keeps the gap open if another session is lost meanwhile", async () => {
      const { catchUp, world } = setUp();
      world.gap = START;
      catchUp.resume([{ shardId: 0, catchUpFrom: START, lostAt: 1 }]);
      world.lostAt = 2; // a T0 that catch-up has not heard of yet
      await settle();
      assert.equal(world.gap, START);
      catchUp.sessionStarted(0);
      await settle();
      assert.equal(world.gap, undefined);
    });

    it("costs one refusal for a whole guild, since refusals count against the address", async () => {
      const { catchUp, gap, lines, say, steps, world } = setUp();
      for (const id of [GENERAL, HELP, SECRET]) {
        say(id, 1_000);
        world.answers.set(id, "refused");
        world.missing.set(id, ["View Channel"]);
      }
      catchUp.resume([gap]);
      await settle();
      assert.deepEqual(steps, ["read 1", "look at 1", "closed 0 0"]);
      assert.deepEqual(events(lines, "warn"), [], "hidden is not wrong");
      assert.deepEqual(catchUp.unreadable(), []);
    });
  });

  it("[D5] retries as long as necessary, and keeps the gap open meanwhile", async () => {
    const { catchUp, clock, gap, lines, say, steps, taken, world } = setUp();
    say(GENERAL, 1_000);
    say(HELP, 2_000);
    world.answers.set(GENERAL, "down");
    catchUp.resume([gap]);
    for (let waited = 0; waited < 20; waited++) {
      await settle();
      clock.advance(60_000);
    }
    assert.deepEqual(taken, [messageIdAt(START + 2_000)], "the others do not wait for it");
    assert.ok(!steps.some((step) => step.startsWith("closed")));
    const tries = steps.filter((step) => step === "read 1").length;
    assert.ok(tries > 10, `${tries} tries`);
    const warnings = events(lines, "warn").length;
    assert.ok(warnings > 2 && warnings < 8, `${warnings} lines: those of the tries 1, 2, 4, 8, …`);
    world.answers.clear();
    await settle();
    clock.advance(60_000);
    await settle();
    assert.equal(steps.at(-1), "closed 0 0");
    assert.deepEqual(new Set(taken), new Set([1_000, 2_000].map((ms) => messageIdAt(START + ms))));
  });

  it("[X2] retries the same way while the store refuses", async () => {
    const { catchUp, clock, gap, say, steps, taken, world } = setUp();
    say(GENERAL, 1_000);
    world.isStoreDown = true;
    catchUp.resume([gap]);
    for (let waited = 0; waited < 5; waited++) {
      await settle();
      clock.advance(60_000);
    }
    world.isStoreDown = false;
    for (let waited = 0; waited < 3; waited++) {
      await settle();
      clock.advance(60_000);
    }
    assert.deepEqual(taken, [messageIdAt(START + 1_000)]);
    assert.equal(steps.at(-1), "closed 0 0");
  });

  it("reads everything once more if another session is lost meanwhile", async () => {
    const { catchUp, clock, gap, say, steps, taken, world } = setUp();
    say(GENERAL, 1_000);
    say(HELP, 1_000);
    world.gap = gap.catchUpFrom;
    world.answers.set(HELP, "down");
    catchUp.resume([gap]);
    await settle();
    assert.deepEqual(steps, ["read 1", "read 2"]);
    catchUp.sessionStarting(0);
    say(GENERAL, 30_000);
    world.answers.clear();
    catchUp.sessionStarted(0);
    clock.advance(60_000);
    await settle();
    assert.equal(steps.filter((step) => step.startsWith("closed")).length, 1);
    assert.deepEqual(steps, ["read 1", "read 2", "read 1", "read 2", "closed 0 0"]);
    assert.deepEqual(new Set(taken), new Set([1_000, 30_000].map((ms) => messageIdAt(START + ms))));
  });

  it("reads all other channels once more while one channel keeps failing", async () => {
    const { catchUp, clock, gap, say, steps, taken, world } = setUp();
    say(GENERAL, 1_000);
    say(HELP, 2_000);
    world.answers.set(GENERAL, "down");
    world.gap = gap.catchUpFrom;
    catchUp.resume([gap]);
    await settle();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(taken, [messageIdAt(START + 2_000)]);
    say(HELP, 40_000);
    world.lostAt++;
    catchUp.sessionStarting(0);
    catchUp.sessionStarted(0);
    for (let waited = 0; waited < 5; waited++) {
      await settle();
      clock.advance(60_000);
    }
    assert.deepEqual(taken, [2_000, 40_000].map((ms) => messageIdAt(START + ms)));
    assert.equal(catchUp.pending(), 1);
    world.answers.clear();
    await settle();
    clock.advance(60_000);
    await settle();
    assert.deepEqual(taken.at(-1), messageIdAt(START + 1_000));
    assert.deepEqual([steps.at(-1), world.gap, catchUp.pending()], ["closed 0 0", undefined, 0]);
  });

  it("does not close a gap that another lost session has just enlarged", async () => {
    const { catchUp, clock, gap, say, steps, taken, world } = setUp({ mayActInDirect: false });
    world.gap = gap.catchUpFrom;
    world.isStoreDown = true;
    catchUp.resume([gap]); // nothing to read: only closing is left, and it fails
    await settle();
    catchUp.sessionStarting(0); // T0 is under way
    say(GENERAL, 20_000);
    world.isStoreDown = false;
    clock.advance(60_000);
    catchUp.sessionStarted(0);
    await settle();
    assert.deepEqual(steps, ["read 1", "closed 0 0"]);
    assert.deepEqual(taken, [messageIdAt(START + 20_000)]);
  });

  it("reads nothing if catch-up is disabled, logs it, and delays no turn", async () => {
    const { catchUp, clock, gap, lines, say, steps, world } = setUp({ isEnabled: false });
    say(GENERAL, 1_000);
    world.gap = gap.catchUpFrom;
    catchUp.sessionStarting(0);
    assert.deepEqual(catchUp.delayedChannels(), []);
    catchUp.sessionStarted(0);
    await settle();
    catchUp.ready();
    await settle();
    assert.deepEqual(steps, ["closed 0 0"]);
    assert.deepEqual(events(lines, "warn").length, 1);
    assert.match(
      events(lines, "warn")[0] ?? "",
      /^Not reading missed messages: catchUp.enabled is false/,
    );
    assert.deepEqual([events(lines, "info"), clock.pending], [[], 0]);
  });

  it("leaves the gap open if the process stops before the end", async () => {
    const { catchUp, clock, gap, say, steps, world } = setUp();
    say(GENERAL, 1_000);
    world.answers.set(GENERAL, "down");
    catchUp.resume([gap]);
    await settle();
    await catchUp.stop();
    assert.deepEqual(steps, ["read 1"]);
    assert.deepEqual([clock.pending, catchUp.delayedChannels()], [0, []]);
  });
});
