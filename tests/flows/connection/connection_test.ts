import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BotAccount } from "../../../src/account/account.ts";
import type { IdentifyAnswer, IdentifyBudget } from "../../../src/core/discord/gateway.ts";
import type { Self } from "../../../src/core/inbound/inbound.ts";
import type { PermitAnswer } from "../../../src/discord/gateway/link/protocol.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import {
  createGatewayConnection,
  createPermits,
  onlineOf,
  planSession,
} from "../../../src/flows/connection/connection.ts";
import { schedule } from "../../../src/lib/clock.ts";
import type { StoredAccount } from "../../../src/store/gateway/gateway.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { userId } from "../../support/discord/builders.ts";
import { settle } from "../../support/settle.ts";

/** A Discord that refuses to say where its gateway is, or anything else. */
async function setUp(
  error: Error,
  stopping = new AbortController(),
  stored: StoredAccount = {},
) {
  const asked: string[] = [];
  const scene = await testAccount({
    answer({ path }) {
      asked.push(path);
      if (path === "/applications/@me") stopping.abort(); // no thread is to be started here
      return error;
    },
  });
  const { account } = scene;
  account.held.release();
  Object.assign(account, { schedule, stored, stopping: stopping.signal, now: () => 0 });
  const connection = createGatewayConnection(account);
  const failed: unknown[] = [];
  connection.connect((event) => {
    assert.equal(event.kind, "failed", "nothing was found");
    if (event.kind === "failed") failed.push(event.error);
  });
  connection.start(() => Promise.resolve(true));
  return { ...scene, ended: connection.stop, failed, asked };
}

const ROUTE = "GET /gateway/bot";
const OFFLINE = new RestError("failed", { kind: "unsent", route: ROUTE });

describe("createGatewayConnection()", () => {
  it("[O7] gives up at once if Discord refuses the token", async () => {
    const refused = new RestError("failed", { kind: "unauthorized", route: ROUTE, status: 401 });
    const { ended, failed, asked } = await setUp(refused);
    await ended();
    assert.deepEqual([failed, asked], [[refused], ["/gateway/bot"]]);
  });

  it("[G12] stops waiting for a network when the process stops", async () => {
    const stopping = new AbortController();
    const { ended, failed, asked, lines } = await setUp(OFFLINE, stopping);
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    await ended();
    assert.deepEqual([failed, asked], [[], ["/gateway/bot"]]);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 1);
  });

  it("[G12] sends no request once the process stops", async () => {
    const stopping = new AbortController();
    stopping.abort();
    const { ended, failed, asked } = await setUp(OFFLINE, stopping);
    await ended();
    assert.deepEqual([failed, asked], [[], []]);
  });

  it("[G9] asks again for a missing intent, because the operator may have granted it", async () => {
    const { ended, failed, asked } = await setUp(OFFLINE, new AbortController(), {
      gateway: { url: "ws://127.0.0.1:9", at: 0 },
      limit: { total: 1_000, remaining: 1_000, resetAfterMs: 0, readAt: 0 },
      flags: { bits: 0, at: 0 },
    });
    await ended();
    assert.deepEqual([failed, asked], [[], ["/applications/@me"]]);
  });
});

describe("[O2] onlineOf()", () => {
  const SELF = { userId: userId("12"), username: "Krill" } as Self;

  async function online() {
    const seen: { bot: Self; guilds: readonly string[] }[] = [];
    const scene = await testAccount();
    const { account } = scene;
    const reader = { self: SELF as Self | undefined, index: new Map<string, { name: string }>() };
    const bot = { ...account.bot, onOnline: (one: (typeof seen)[number]) => void seen.push(one) };
    Object.assign(account, { reader, bot });
    return { ...scene, seen, reader, report: onlineOf(account) };
  }

  it("reports once, after the last guild has arrived", async () => {
    const { clock, seen, reader: { index }, report } = await online();
    report.ready();
    for (const name of ["Krill Co", "Friends"]) {
      clock.advance(400);
      index.set(name, { name });
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

  it("waits for the bot's identity", async () => {
    const { clock, seen, reader, report } = await online();
    reader.self = undefined;
    report.ready();
    clock.advance(5_000);
    assert.equal(seen.length, 0);
    reader.self = SELF;
    report.changed();
    clock.advance(500);
    assert.deepEqual(seen.map(({ bot }) => bot.username), ["Krill"]);
  });
});

const NOW = Date.UTC(2026, 10, 20);
const SESSION = { sessionId: "session", resumeUrl: "wss://resume.example", seq: 40 };

function stored(msAgo = 1_000, intents = 7): StoredAccount {
  const aliveAt = NOW - msAgo;
  const session = { ...SESSION, startedAt: NOW - 60_000, aliveAt };
  return { intents, connection: { session, storedUpTo: aliveAt, aliveAt } };
}

describe("[G5] planSession()", () => {
  const rules = { intents: 7, resumeSession: true, sessionCacheTtlSec: 300, now: NOW };
  const isComplete = () => Promise.resolve(true);

  const cases: readonly [
    what: string,
    account: StoredAccount,
    change: Partial<Parameters<typeof planSession>[1]>,
    why: RegExp | undefined,
  ][] = [
    ["one within the limit", stored(300_000), {}, undefined],
    ["one that is too old", stored(300_001), {}, /too old/],
    ["one whose guilds are not known any more", stored(), {
      isComplete: () => Promise.resolve(false),
    }, /guilds/],
    ["none if the config says so", stored(), { resumeSession: false }, /resumeSession/],
    ["one of other intents, which a RESUME would keep", stored(1, 3), {}, /intents/],
  ];
  for (const [what, account, change, why] of cases) {
    it(`${why ? "gives up" : "resumes"} ${what}`, async () => {
      const { session, lost } = await planSession(account, { ...rules, isComplete, ...change });
      if (why) assert.match(lost?.why ?? "", why);
      else assert.deepEqual([session, lost], [{ ...SESSION, hasHole: undefined }, undefined]);
    });
  }

  it("reports no lost session at a first start, and asks for no guilds without a session", async () => {
    const never = { ...rules, isComplete: () => assert.fail("it takes long") };
    assert.deepEqual(await planSession({}, never), {});
    await planSession(stored(300_001), never);
  });
});

async function permitsSetUp(
  asked: () => IdentifyAnswer,
  budget: () => IdentifyBudget = () => ({ left: 900 }),
  inMs = 0,
) {
  const { account, lines } = await testAccount();
  const order: string[] = [];
  const gateway = {
    async takeIdentify() {
      await settle();
      order.push("counted");
      return asked();
    },
    identifyBudget: () => Promise.resolve(budget()),
    identifyInMs: () => Promise.resolve(inMs),
  } as Partial<BotAccount["store"]["gateway"]>;
  Object.assign(account, { store: { ...account.store, gateway } });
  const decide = createPermits(account, () => {});
  const permit = async (isPreview: boolean): Promise<PermitAnswer> => {
    const answer = await decide(isPreview);
    order.push("answered");
    return answer;
  };
  return { account, permit, order, lines };
}

const GRANTED = { kind: "granted" } as const;

describe("[G5] createPermits()", () => {
  it("grants a permit only after the store has counted it", async () => {
    const { permit, order } = await permitsSetUp(() => GRANTED);
    assert.deepEqual(await permit(false), GRANTED);
    assert.deepEqual(order, ["counted", "answered"]);
  });

  it("[G5b] answers one who asks ahead without counting a permit", async () => {
    const none = () => assert.fail("it was counted");
    const given: readonly [number, IdentifyBudget, PermitAnswer][] = [
      [0, { left: 900 }, GRANTED],
      [4_000, { left: 900 }, { kind: "wait", waitMs: 4_000, why: "spacing" }],
      [60_000, { left: 50, heldUntil: 1e15 }, { kind: "wait", waitMs: 60_000, why: "budget" }],
    ];
    for (const [inMs, budget, answer] of given) {
      const { account, permit, lines } = await permitsSetUp(none, () => budget, inMs);
      account.held.release();
      assert.deepEqual(await permit(true), answer);
      assert.equal(lines.length, budget.heldUntil ? 1 : 0, "a spent budget is said");
    }
  });

  it("[G5b] lets no session end whose events are still held", async () => {
    const { account, permit } = await permitsSetUp(() => GRANTED);
    assert.deepEqual(await permit(true), { kind: "wait", waitMs: 500, why: "spacing" });
    assert.deepEqual(await permit(false), GRANTED);
    account.held.release();
    assert.deepEqual(await permit(true), GRANTED);
  });

  it("tells how long to wait, and logs a spent budget", async () => {
    const { account, permit, lines } = await permitsSetUp(
      () => ({ kind: "wait", untilMs: account.now() + 60_000, why: "budget" }),
      () => ({ left: 50, heldUntil: account.now() + 60_000 }),
    );
    assert.deepEqual(await permit(false), { kind: "wait", waitMs: 60_000, why: "budget" });
    assert.deepEqual(lines.map(({ level }) => level), ["warn", "error"]);
  });

  it("[X2] grants no permit that the store could not count", async () => {
    const { permit, lines } = await permitsSetUp(() => {
      throw new Error("disk full");
    });
    assert.deepEqual(await permit(false), { kind: "wait", waitMs: 5_000, why: "spacing" });
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });
});
