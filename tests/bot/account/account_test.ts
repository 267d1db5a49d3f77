import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccount, createAccountRest } from "../../../src/bot/account/account.ts";
import type { AccountEnd } from "../../../src/bot/account_end.ts";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import { type AccountScene, openAccountScene } from "../../support/bot/started_account.ts";
import { changedByCommand, stopAccount } from "../../../src/bot/account/running.ts";
import { wakes } from "../../../src/account/per_account.ts";
import { tellChannel } from "../../../src/flows/tell.ts";
import { commandAccount } from "../../support/bot/commands.ts";
import { GUILD } from "../../support/discord/payloads.ts";
import { ACCOUNT, channelId, messageId, outboundMessage } from "../../support/discord/builders.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { frozen } from "../../support/store/store.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { sawForeign } from "../../../src/flows/preflight/duplicates.ts";
import { registerLater } from "../../../src/flows/register_commands.ts";

const loadRest = () => import("../../../src/bot/account/running.ts");

async function withScene(play: (scene: AccountScene) => Promise<void>): Promise<void> {
  const scene = await openAccountScene();
  try {
    await play(scene);
  } finally {
    await scene.close();
  }
}

describe("[B9] startAccount()", () => {
  it("connects before it has its other parts, which then get every event", () =>
    withScene(async ({ identified, online, ask, answers, start }) => {
      const running = await start(async () => {
        await identified();
        await online();
        ask("q1");
        return await loadRest();
      });
      assert.deepEqual(await answers(1), ["q1"]);
      await running.stop();
    }));

  it("[D5] sends what the last process has left", () =>
    withScene(async ({ bot, simulator, answers, start }) => {
      const place = {
        channelId: channelId(String(simulator.channel("general").id)),
        content: "left",
      };
      await bot.store.outbox.add(frozen(outboundMessage(place)), 0);
      const running = await start();
      assert.deepEqual(await answers(1), ["left"]);
      await running.stop();
    }));

  it("[G9] ends if Discord refuses fewer intents, too", () =>
    withScene(async ({ simulator, ended, start }) => {
      simulator.faults.gateway.closeOnIdentify.push(4014, 4014);
      const running = await start();
      assert.match(JSON.stringify(await ended), /4014/);
      assert.equal(simulator.account().identifies.length, 2);
      await running.stop();
    }));

  it("ends the connection and tells why if its other parts cannot be loaded", () =>
    withScene(async ({ simulator, identified, until, start }) => {
      const starting = start(async () => {
        await identified();
        throw new TypeError("Cannot load a module");
      });
      await assert.rejects(starting, { name: "TypeError", message: "Cannot load a module" });
      await until(() => simulator.connected() === 0);
    }));

  it("ends the connection if an other part cannot be started", () =>
    withScene(async ({ identified, start }) => {
      const starting = start(async () => {
        await identified();
        return { runAccount: () => Promise.reject(new RangeError("Cannot start a part")) };
      });
      await assert.rejects(starting, { name: "RangeError" });
    }));
});

describe("createAccount()", () => {
  const creating = ({ bot, own }: AccountScene, fields: object) => {
    const ends: string[] = [];
    const invalidRequests = createInvalidRequests();
    const onEnd = ({ kind }: AccountEnd) => void ends.push(kind);
    return createAccount(bot, { ...own, ...fields }, { invalidRequests, onEnd })
      .then((account) => ({ account, ends }));
  };

  it("[O7] ends the account once Discord refuses its token, whatever was asked", () =>
    withScene(async (scene) => {
      const { account, ends } = await creating(scene, { token: `${scene.own.token}x` });
      await assert.rejects(account.rest.request("GET", "/users/@me"), { kind: "unauthorized" });
      assert.deepEqual([ends, account.ended.aborted], [["refused"], true]);
    }));

  it("[O1] tells health whether requests reach Discord", () =>
    withScene(async (scene) => {
      const away = { apiBase: "http://127.0.0.1:9" };
      for (const [fields, isUp] of [[{}, true], [away, false], [{ retry: 1 }, false]] as const) {
        if ("retry" in fields) {
          scene.simulator.faults.rest.add({ fault: { kind: "status", status: 503 } });
        }
        const { account: { health, rest } } = await creating(scene, fields);
        health.began([], () => undefined);
        await rest.request("GET", "/users/@me", { notAfter: Date.now() + 1_000 }).catch(() => {});
        assert.equal(health.snapshot().rest.isUp, isUp);
      }
    }));
});

it("[X5] changedByCommand() › sends rows of a command, and stops turns for a pause", async () => {
  const { account, store, clock, quiet, rows, dm } = await testAccount({
    discord: { dm: { policy: "open", allowFrom: ["*"] } },
    says: never,
  });
  for (
    const [namespace, isSent] of [["notes", 0], ["outbox", 1], ["notes", 1], [
      "pairing",
      2,
    ]] as const
  ) {
    const message = { channelId: channelId("5"), nonce: `${namespace}${isSent}` };
    if (namespace === "notes") await store.outbox.add(frozen(message), clock.now());
    changedByCommand(account, namespace);
    await quiet();
    assert.equal(rows("SELECT 1 FROM outbox WHERE state = 'sent'").length, isSent);
  }
  await dm("well?");
  await store.settings.changePause(ACCOUNT, { to: true, by: "cli" }, clock.now());
  for (const [namespace, state] of [["notes", "running"], ["settings", "stopped"]] as const) {
    changedByCommand(account, namespace);
    await quiet();
    assert.deepEqual(rows("SELECT state FROM inbox"), [{ state }]);
  }
});

it("[D3] createAccountRest() › slows and pauses requests as refusals add up, and owners hear of a pause", async () => {
  const { account, lines, clock, quiet, posted } = await testAccount();
  const invalidRequests = createInvalidRequests();
  const own = { config: account.config(), token: "x", apiBase: "http://[::1]:9", version: "1" };
  const rest = createAccountRest({ ...own, invalidRequests }, {
    ...{ now: clock.now, log: account.log, events: { stopped: wakes(account).stopped } },
  });
  for (
    const [count, level] of [[499, undefined], [500, "warn"], [1_999, "warn"], [
      2_000,
      "error",
    ]] as const
  ) {
    while (invalidRequests.count(clock.now()) < count) invalidRequests.note(clock.now());
    rest.status();
    await quiet();
    assert.deepEqual([lines.at(-1)?.level, posted().length], [level, count < 2_000 ? 0 : 1]);
  }
  assert.match(posted()[0] ?? "", /^Discord refused 2000 of my requests .* paused/);
  clock.advance(660_000);
  rest.status();
  assert.equal(lines.at(-1)?.level, "info");
  rest.stop();
});

/** Ends a start before the store has any event of it, as `kill -9` does. */
const KILLED = new TypeError("killed");

describe("[D1] startAccount() › while its other parts are loaded", () => {
  it("keeps the events of a RESUME and of a new session, each once and in order", () =>
    withScene(async ({ simulator, online, ask, answers, start }) => {
      const { gateway } = simulator.faults;
      const running = await start(async () => {
        await online();
        ask("q1");
        gateway.drop("reset");
        ask("q2");
        await online(2);
        ask("q3");
        gateway.invalidate(false);
        ask("q4");
        await online(3);
        ask("q5");
        return await loadRest();
      });
      assert.deepEqual(await answers(5), ["q1", "q2", "q3", "q4", "q5"]);
      assert.equal(simulator.account().identifies.length, 2);
      await running.stop();
    }));

  for (const isSessionLost of [false, true]) {
    const how = isSessionLost ? "and its session is lost" : "and resumes";
    it(`loses no message if the process dies ${how}`, () =>
      withScene(async ({ simulator, until, online, ask, answers, start }) => {
        const { gateway } = simulator.faults;
        const first = await start();
        await online();
        ask("q1");
        await answers(1);
        await first.stop();
        ask("q2");
        const dying = start(async () => {
          await online(2);
          ask("q3");
          gateway.drop("reset");
          ask("q4");
          await online(3);
          throw KILLED;
        });
        await assert.rejects(dying, KILLED);
        await until(() => simulator.connected() === 0);
        if (isSessionLost) gateway.forgetSessions();
        ask("q5");
        const last = await start();
        assert.deepEqual(await answers(5), ["q1", "q2", "q3", "q4", "q5"]);
        await last.stop();
      }));
  }
});

const GRACE_MS = 20_000;
const never = () => new Promise<never>(() => {});

/** An account that stops, with a gateway that closes as given. */
async function stopping({ isAsked = false, closed, isUnsent = false, isBusy = false }: {
  /** Whether a person has given a command, which Discord takes no answer to. */
  readonly isAsked?: boolean;
  readonly closed?: () => Promise<void>;
  /** Whether Discord does not answer the request for a message. */
  readonly isUnsent?: boolean;
  /** Whether parts wait: another program was seen, and commands and a message are tried again. */
  readonly isBusy?: boolean;
}) {
  const beside = { shutdown: { graceSec: GRACE_MS / 1_000 } };
  const scene = await commandAccount({
    beside,
    discord: { guilds: { [GUILD]: {} } },
    answer: ({ method, path }) =>
      isUnsent && method === "POST" || path.startsWith("/webhooks/")
        ? never()
        : isBusy
        ? new RestError("away", { kind: "unsent", route: "POST /" })
        : undefined,
  });
  const { account, clock } = scene;
  const there = channelId("1400000000000000002");
  if (isBusy) {
    sawForeign(account, [{ messageId: messageId("1"), channelId: there, why: "unknown" }]);
    registerLater(account);
    await tellChannel(account, there, "hello");
    assert.ok(clock.pending > 0);
  }
  if (isUnsent) await tellChannel(account, channelId("1400000000000000002"), "hello");
  await scene.quiet();
  const done: string[] = [];
  const rest = { ...account.rest, hurry: () => done.push("hurry") };
  const connection = {
    ...{ admit() {}, committed() {}, stats: () => ({}) },
    stop: closed ?? (() => Promise.resolve()),
  };
  Object.assign(account, { rest, connection });
  if (isAsked) await scene.slash("whoami");
  let hasStopped = false;
  void stopAccount(account).then(() => hasStopped = true);
  return {
    ...{ done, clock, slash: scene.slash },
    isStopping: () => !account.stopping.aborted,
    async hasStopped(afterMs = 0): Promise<boolean> {
      await scene.pass(afterMs);
      await scene.quiet();
      return hasStopped;
    },
  };
}

describe("[G12] the stop of an account", () => {
  it("ends the pace of answers first, and leaves no timer of any part", async () => {
    const { done, hasStopped, clock } = await stopping({ isBusy: true });
    assert.equal(await hasStopped(), true);
    assert.deepEqual([done, clock.pending], [["hurry"], 0]);
  });

  it("[X4a] waits three seconds for answers to commands, and no longer", async () => {
    const { hasStopped, isStopping } = await stopping({ isAsked: true });
    assert.equal(await hasStopped(2_999), false);
    assert.ok(isStopping());
    assert.equal(await hasStopped(1), true);
  });

  it("[X4a] has the same three seconds for commands that come while the gateway closes", async () => {
    const closed = Promise.withResolvers<void>();
    const { hasStopped, slash } = await stopping({ closed: () => closed.promise });
    assert.equal(await hasStopped(), false);
    await slash("whoami");
    closed.resolve();
    assert.equal(await hasStopped(), false);
    assert.equal(await hasStopped(3_000), true);
  });

  it("waits for replies until the grace period ends", async () => {
    const { hasStopped, isStopping } = await stopping({ isUnsent: true });
    assert.equal(await hasStopped(GRACE_MS - 1), false);
    assert.ok(isStopping());
    await hasStopped(1);
    assert.ok(!isStopping());
  });
});
