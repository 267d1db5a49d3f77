import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { IdentifyAnswer, IdentifyBudget } from "../../../../src/core/discord/gateway.ts";
import type { Self } from "../../../../src/core/inbound/inbound.ts";
import type { PermitAnswer } from "../../../../src/discord/gateway/link/protocol.ts";
import {
  type ConnectOptions,
  type ConnectPorts,
  createConnection,
  createOnlineReport,
  createPermits,
  type PermitsPorts,
  planShards,
  type ShardFacts,
} from "../../../../src/discord/gateway/main/connection.ts";
import { isTokenRefused, RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { locateGateway } from "../../../../src/flows/preflight/before_connecting.ts";
import { schedule } from "../../../../src/lib/clock.ts";
import type { StoredShard } from "../../../../src/store/gateway/gateway.ts";
import type { GatewayRecords } from "../../../../src/store/gateway/gateway.ts";
import { testAccount } from "../../../support/bot/test_account.ts";
import { loadTestConfig } from "../../../support/config.ts";
import { ACCOUNT, guildId, userId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { sameData } from "../../../support/same_data.ts";
import { settle } from "../../../support/settle.ts";

/** A Discord that refuses to say where its gateway is. */
async function setUp(
  error: Error,
  stopping = new AbortController(),
  stored: ConnectOptions["stored"] = { shards: [] },
) {
  const { log, lines } = recordingLog();
  let asked = 0;
  let flagsRead = 0;
  const { account, store } = await testAccount();
  const gateway = { stopping: stopping.signal, now: () => 0, log };
  Object.assign(account, { ...gateway, schedule, stored });
  const readGatewayInfo = () => {
    asked++;
    return Promise.reject(error);
  };
  const ports: ConnectPorts = {
    ...gateway,
    ...{ readGatewayInfo, store: store.gateway },
    locate: () => locateGateway(account, readGatewayInfo),
    isTokenRefused,
    readApplication() {
      flagsRead++;
      stopping.abort(); // no thread is to be started here
      return Promise.reject(error);
    },
    proxyFor: () => undefined,
    presence: () => ({ status: "online" }),
    hold: { wrap: (call) => call, isHolding: false, release: () => {} },
  };
  const options = {
    accountId: ACCOUNT,
    gateway: (await loadTestConfig()).discord.gateway,
    token: "token",
    restUrl: "http://127.0.0.1:1/api/v10",
    userAgent: "test",
    isConnectionDebug: false,
    workerUrl: new URL("file:///no-worker-is-started.ts"),
    stored,
  };
  const connection = createConnection(options, ports);
  const failed: unknown[] = [];
  const none = () => assert.fail("nothing was found");
  connection.connect({
    ...{ onShards: none, onIntents: none, onBudget: none, onBatch: none, onDelay: none },
    ...{ onState: none, onBeat: none, onRefused: none, onFinal: none },
    onFailed: (thrown) => void failed.push(thrown),
  });
  connection.start(() => Promise.resolve(true));
  return { ended: connection.stop, failed, asked: () => asked, flagsRead: () => flagsRead, lines };
}

const ROUTE = "GET /gateway/bot";

describe("createConnection()", () => {
  it("[O7] gives up at once if Discord refuses the token", async () => {
    const refused = new RestError("failed", { kind: "unauthorized", route: ROUTE, status: 401 });
    const { ended, failed, asked } = await setUp(refused);
    await ended();
    assert.deepEqual([failed, asked()], [[refused], 1]);
  });

  it("[G12] stops waiting for a network when the process stops", async () => {
    const stopping = new AbortController();
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, lines } = await setUp(offline, stopping);
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    await ended();
    assert.deepEqual(failed, []);
    assert.equal(asked(), 1);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 1);
  });

  it("[G12] sends no request once the process stops", async () => {
    const stopping = new AbortController();
    stopping.abort();
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, lines } = await setUp(offline, stopping);
    await ended();
    assert.deepEqual(failed, []);
    assert.deepEqual([asked(), lines], [0, []]);
  });

  it("[G9] asks again for a missing intent, because the operator may have granted it", async () => {
    const limit = { total: 1_000, remaining: 1_000, resetAfterMs: 0, maxConcurrency: 1, readAt: 0 };
    const offline = new RestError("failed", { kind: "unsent", route: ROUTE });
    const { ended, failed, asked, flagsRead } = await setUp(offline, new AbortController(), {
      gateway: { url: "ws://127.0.0.1:9", at: 0 },
      limit: { ...limit, shards: 1 },
      flags: { bits: 0, at: 0 },
      shards: [],
    });
    await ended();
    assert.deepEqual(failed, []);
    assert.deepEqual([asked(), flagsRead()], [0, 1]);
  });
});

const SELF = { userId: userId("12"), username: "Krill" } as Self;

function onlineSetUp() {
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
    const { clock, seen, index, report } = onlineSetUp();
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
    const world = onlineSetUp();
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
    ["its intents", { stored: { shardCount: 1, intents: 7, shards: [shard(0)] } }, undefined],
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

const PERMITS_NOW = 1_000_000;

function permitsSetUp(
  asked: () => IdentifyAnswer,
  budget: () => IdentifyBudget = () => ({ left: 900 }),
  inMs = 0,
) {
  const { log, lines } = recordingLog();
  const answers: [shardId: number, answer: PermitAnswer][] = [];
  const order: string[] = [];
  const world = { isHolding: false };
  const ports: PermitsPorts = {
    store: {
      takeIdentify: async (_account, shardId) => {
        await settle();
        order.push(`counted ${shardId}`);
        return asked();
      },
      identifyBudget: () => Promise.resolve(budget()),
      identifyInMs: () => Promise.resolve(inMs),
    } as Partial<GatewayRecords> as GatewayRecords,
    accountId: ACCOUNT,
    now: () => PERMITS_NOW,
    answer(shardId, answer) {
      order.push(`answered ${shardId}`);
      answers.push([shardId, answer]);
    },
    isHolding: () => world.isHolding,
    onBudget: () => {},
    log,
  };
  return { world, permit: createPermits(ports), answers, order, lines };
}

const wait = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await settle();
};

describe("[G5] createPermits()", () => {
  it("grants a permit only after the store has counted it", async () => {
    const { permit, answers, order } = permitsSetUp(() => ({ kind: "granted" }));
    permit(3, false);
    assert.deepEqual(order, []);
    await wait();
    assert.deepEqual(order, ["counted 3", "answered 3"]);
    assert.deepEqual(answers, [[3, { kind: "granted" }]]);
  });

  it("[G5b] answers a shard that asks ahead without counting a permit", async () => {
    const none = () => assert.fail("it was counted");
    const free = permitsSetUp(none);
    free.permit(3, true);
    const spaced = permitsSetUp(none, () => ({ left: 900 }), 4_000);
    spaced.permit(3, true);
    const spent = permitsSetUp(none, () => ({ left: 50, heldUntil: PERMITS_NOW + 60_000 }), 60_000);
    spent.permit(3, true);
    await wait();
    assert.deepEqual(free.answers, [[3, { kind: "granted" }]]);
    assert.deepEqual(spaced.answers, [[3, { kind: "wait", waitMs: 4_000, why: "spacing" }]]);
    assert.deepEqual(spent.answers, [[3, { kind: "wait", waitMs: 60_000, why: "budget" }]]);
    assert.deepEqual(spent.lines.map(({ level }) => level), ["error"], "it is said");
  });

  it("[G5b] lets no shard end a session whose events are still held", async () => {
    const { world, permit, answers } = permitsSetUp(() => ({ kind: "granted" }));
    world.isHolding = true;
    permit(3, true);
    permit(4, false);
    await wait();
    assert.deepEqual(answers, [
      [3, { kind: "wait", waitMs: 500, why: "spacing" }],
      [4, { kind: "granted" }],
    ]);
    world.isHolding = false;
    permit(3, true);
    await wait();
    assert.deepEqual(answers.at(-1), [3, { kind: "granted" }]);
  });

  it("tells a shard how long to wait, and logs a spent budget", async () => {
    const { permit, answers, lines } = permitsSetUp(
      () => ({ kind: "wait", untilMs: PERMITS_NOW + 60_000, why: "budget" }),
      () => ({ left: 50, heldUntil: PERMITS_NOW + 60_000 }),
    );
    permit(0, false);
    await wait();
    assert.deepEqual(answers, [[0, { kind: "wait", waitMs: 60_000, why: "budget" }]]);
    assert.deepEqual(lines.map(({ level }) => level), ["warn", "error"]);
  });

  it("[X2] grants no permit that the store could not count", async () => {
    const { permit, answers, lines } = permitsSetUp(() => {
      throw new Error("disk full");
    });
    permit(0, false);
    await wait();
    assert.deepEqual(answers, [[0, { kind: "wait", waitMs: 5_000, why: "spacing" }]]);
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });
});
