import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountEnd } from "../../../src/bot/account_end.ts";
import { changedInAll } from "../../../src/account/per_account.ts";
import { createAccounts } from "../../../src/bot/account/accounts.ts";
import type { AccountSetup, Setup } from "../../../src/bot/rules/setup.ts";
import type { AccountChange } from "../../../src/config/changes.ts";
import type { BotConfig } from "../../../src/config/config.ts";
import { type AccountId, toAccountId } from "../../../src/core/discord/ids.ts";
import { testBot } from "../../support/bot/process.ts";
import { directMessage, messageId, userId } from "../../support/discord/builders.ts";
import { loadTestConfig } from "../../support/config.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { accepted, found, openTestStore } from "../../support/store/store.ts";
import type { Store } from "../../../src/store/store.ts";
import { ourAccounts } from "../../../src/flows/judging/judge.ts";

const A = toAccountId("a");
const B = toAccountId("b");
/** No server listens there: Discord is away. */
const AWAY = "http://127.0.0.1:9/api/v10";

interface Started {
  readonly accountId: AccountId;
  readonly text: string | undefined;
  readonly onEnd: (end: AccountEnd) => void;
  /** The texts of the configs applied after its start. */
  readonly applied: (string | undefined)[];
  /** The namespaces of the store whose change it has heard of. */
  readonly changed: string[];
  /** How often `stop` was called; a stop is over once `stopped` is. */
  stops: number;
}

interface World {
  /** What a start waits for. */
  readonly starting?: (accountId: AccountId) => Promise<void>;
  /** What a stop waits for. */
  readonly stopped?: (accountId: AccountId) => Promise<void>;
  readonly store?: (store: Store) => Store;
}

async function botConfig(...ids: readonly AccountId[]): Promise<BotConfig> {
  const { discord, ...shared } = await loadTestConfig();
  return { ...shared, accounts: ids.map((accountId) => ({ ...discord, accountId })) };
}

async function setupOf(text: string, ...ids: readonly AccountId[]): Promise<Setup> {
  const account = (accountId: AccountId): AccountSetup => ({
    token: `${accountId}.x.y`,
    apiBase: AWAY,
    models: { ids: ["fake/model"] } as never,
  });
  return {
    config: await botConfig(...ids),
    text,
    accounts: new Map(ids.map((accountId) => [accountId, account(accountId)])),
  };
}

function setUp(
  setup: Setup,
  { starting = settle, stopped = settle, store: wrap = (store) => store }: World = {},
) {
  const { store: real } = openTestStore();
  const store = wrap(real);
  const { log, lines } = recordingLog();
  const started: Started[] = [];
  const ends: AccountEnd[] = [];
  const bot = testBot({ setup, store, log, now: () => 1_700_000_000_000 });
  const accounts = createAccounts(
    bot,
    (end) => void ends.push(end),
    async (_bot, { config: { discord: { accountId } }, text }, { onEnd }) => {
      await store.gateway.loadAccount(accountId); // as a start does
      const one: Started = { accountId, text, onEnd, applied: [], changed: [], stops: 0 };
      started.push(one);
      await starting(accountId);
      return {
        accountId,
        userId: () => undefined,
        stats: () => undefined,
        status: () => assert.fail("nobody asks"),
        apply: ({ text }) => Promise.resolve(void one.applied.push(text)),
        changedByCommand: (...change) => void one.changed.push(change.join(" ")),
        tellOwners: () => {},
        reachOwners: () => Promise.resolve(1),
        stop() {
          one.stops++;
          return stopped(accountId);
        },
      };
    },
  );
  const running = () =>
    started.filter(({ stops }) => stops === 0).map(({ accountId }) => accountId).sort();
  /** Until all accounts are connected by it. */
  async function apply(...setup: Parameters<typeof accounts.apply>): Promise<void> {
    await (await accounts.apply(...setup)).connected;
  }
  return { accounts, bot, apply, store: real, started, ends, lines, running };
}

const does = (accountId: AccountId, what: AccountChange["does"]): AccountChange => ({
  accountId,
  does: what,
});

describe("[C6] createAccounts() › start()", () => {
  it("[X5] tells all accounts of a change that one of them has made for all", async () => {
    const { accounts, bot, started } = setUp(await setupOf("one", A, B));
    await accounts.start();
    changedInAll(bot, "forgetting", userId("7"));
    const changed = ["forgetting 7"];
    assert.deepEqual(started.map((one) => one.changed), [changed, changed]);
  });

  it("[N2] shows accounts those that are enabled, also before they run", async () => {
    const setup = await setupOf("one", A, B);
    const [a, b] = setup.config.accounts;
    const accounts = [a, ...b ? [{ ...b, enabled: false }] : []];
    const { bot } = setUp({ ...setup, config: { ...setup.config, accounts } } as Setup);
    assert.deepEqual(ourAccounts(bot), [{ accountId: A, view: undefined }]);
  });

  it("voids the claims of a dead process, also those of a removed account", async () => {
    const world = setUp(await setupOf("one", A));
    const inShared = (digits: string, accountId: AccountId) =>
      accepted(directMessage({ id: messageId(digits), accountId }), {
        agentId: "main",
        sessionKey: "agent:main:main",
      });
    const judged = [inShared("11", B), inShared("12", A)];
    await world.store.inbox.acceptBatch(found({ accountId: B, judged }), 1);
    assert.equal((await world.store.inbox.claimNext(B, 1, []))?.message.id, "11");
    await world.accounts.start();
    assert.equal((await world.store.inbox.claimNext(A, 1, []))?.message.id, "12");
    await world.accounts.stop();
  });
});

describe("[C9] createAccounts() › apply()", () => {
  it("applies to connected accounts at once, while others finish their turns", async () => {
    const ending = Promise.withResolvers<void>();
    const world = setUp(await setupOf("one", A, B), {
      stopped: (accountId) => accountId === B ? ending.promise : settle(),
    });
    await world.accounts.start();
    const first = await world.accounts.apply(await setupOf("two", A, B), [
      does(A, "apply"),
      does(B, "restart"),
    ]);
    const [a, b] = world.started;
    assert.deepEqual([a?.applied, b?.stops, world.started.length], [["two"], 1, 2]);
    const second = await world.accounts.apply(await setupOf("three", A, B), [
      does(A, "apply"),
      does(B, "restart"),
    ]);
    assert.deepEqual(a?.applied, ["two", "three"]); // it does not wait for turns
    ending.resolve();
    await Promise.all([first.connected, second.connected]);
    const texts = world.started.slice(2).map(({ text }) => text);
    assert.deepEqual(texts, ["three", "three"]); // one after the other, and never two at once
    assert.deepEqual(world.running(), [A, B]);
    await world.accounts.stop();
  });
});

it("[C9] createAccounts() › apply() restarts all for a log level that a gateway's thread keeps", async () => {
  const world = setUp(await setupOf("one", A, B));
  await world.accounts.start();
  const { config, ...next } = await setupOf("two", A, B);
  const log = { ...config.log, level: "connection_debug" as const };
  await world.apply({ ...next, config: { ...config, log } }, [does(A, "apply"), does(B, "keep")]);
  assert.deepEqual(world.started.map(({ accountId, stops }) => [accountId, stops]), [
    ...[[A, 1], [B, 1]],
    ...[[A, 0], [B, 0]],
  ]);
  await world.accounts.stop();
});

describe("[C9] createAccounts() › stop()", () => {
  it("cancels a start that a reload has scheduled", async () => {
    const stopping = Promise.withResolvers<void>();
    const world = setUp(await setupOf("one", A, B), { stopped: () => stopping.promise });
    await world.accounts.start();
    const reload = world.apply(await setupOf("two", A, B), [does(A, "restart"), does(B, "keep")]);
    const stop = world.accounts.stop();
    stopping.resolve();
    await stop;
    assert.deepEqual(world.running(), []);
    await reload;
    await world.apply(await setupOf("three", A, B), [does(B, "restart")]);
    assert.equal(world.started.length, 2);
    assert.deepEqual(world.running(), []);
  });

  it("stops an account that is starting", async () => {
    const going = Promise.withResolvers<void>();
    const world = setUp(await setupOf("one", A), {
      starting: (accountId) => accountId === B ? going.promise : settle(),
    });
    await world.accounts.start();
    const reload = world.apply(await setupOf("two", A, B), [does(B, "start")]);
    while (world.started.length < 2) await settle();
    const stop = world.accounts.stop();
    await settle();
    going.resolve();
    await Promise.all([reload, stop]);
    assert.deepEqual(world.started.map(({ accountId }) => accountId), [A, B]);
    assert.deepEqual(world.running(), []);
  });
});

describe("[C9] createAccounts() › an account that waits for Discord", () => {
  it("delays no reload, and starts with the current config", async () => {
    const world = setUp(await setupOf("one", A, B));
    await world.store.gateway.adoptPeer(B, "another bot");
    await world.accounts.start();
    await world.apply(await setupOf("two", A, B), [does(A, "apply"), does(B, "apply")]);
    assert.deepEqual(world.running(), [A]);
    assert.deepEqual(world.started[0]?.applied, ["two"]);
    await world.accounts.stop();
    assert.deepEqual(world.started.map(({ accountId }) => accountId), [A]);
    assert.deepEqual(world.ends, [], "it did not end by itself");
  });

  it("applies a config that arrived while it started", async () => {
    const going = Promise.withResolvers<void>();
    const world = setUp(await setupOf("one", A), { starting: () => going.promise });
    const start = world.accounts.start();
    while (world.started.length === 0) await settle();
    await world.apply(await setupOf("two", A), [does(A, "apply")]);
    going.resolve();
    await start;
    assert.equal(world.started[0]?.text, "one");
    assert.deepEqual(world.started[0]?.applied, ["two"]);
    await world.accounts.stop();
  });
});

describe("[C6] createAccounts() › an account that has ended", () => {
  it("leaves the others running, and restarts once the config is fixed", async () => {
    const world = setUp(await setupOf("one", A, B));
    await world.accounts.start();
    world.started.find(({ accountId }) => accountId === B)?.onEnd({ kind: "refused", hint: "no" });
    await settle();
    assert.deepEqual(world.running(), [A]);
    await world.apply(await setupOf("two", A, B), [does(A, "keep"), does(B, "restart")]);
    assert.deepEqual(world.running(), [A, B]);
    assert.deepEqual(world.ends, []);
    const counts = [world.bot.accounts.size];
    await world.accounts.stop();
    assert.deepEqual([...counts, world.bot.accounts.size], [2, 0]);
  });

  it("is stopped even if it ended while starting", async () => {
    const going = Promise.withResolvers<void>();
    const world = setUp(await setupOf("one", A, B), {
      starting: (accountId) => accountId === B ? going.promise : settle(),
    });
    const start = world.accounts.start();
    while (world.started.length < 2) await settle();
    world.started.find(({ accountId }) => accountId === B)?.onEnd({ kind: "refused", hint: "no" });
    going.resolve();
    await start;
    await settle();
    assert.deepEqual(world.running(), [A]);
    await world.accounts.stop();
  });

  it("never runs twice, although one reload failed to start it and the next succeeds", async () => {
    let isFull = false;
    const world = setUp(await setupOf("one", A), {
      store: (store) => ({
        ...store,
        gateway: {
          ...store.gateway,
          loadAccount: (id) =>
            isFull ? Promise.reject(new Error("disk full")) : store.gateway.loadAccount(id),
        },
      }),
    });
    await world.accounts.start();
    isFull = true;
    const next = await setupOf("two", A, B);
    await world.apply(next, [does(A, "keep"), does(B, "start")]);
    assert.deepEqual(world.running(), [A]);
    assert.ok(world.lines.some(({ level, event }) => level === "error" && /cannot/i.test(event)));
    isFull = false;
    await world.apply(next, [does(A, "keep"), does(B, "start")]);
    await world.apply(next, [does(A, "keep"), does(B, "start")]);
    assert.deepEqual(world.running(), [A, B]);
    await world.accounts.stop();
    assert.deepEqual(world.running(), []);
  });
});
