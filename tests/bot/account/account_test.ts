import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAccount } from "../../../src/bot/account/account.ts";
import type { AccountEnd } from "../../../src/bot/account_end.ts";
import { createInvalidRequests } from "../../../src/discord/rest/scheduler/rate_limiter.ts";
import { type AccountScene, openAccountScene } from "../../support/bot/started_account.ts";

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
    const invalidRequests = createInvalidRequests([], () => {});
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
      for (
        const [fields, isUp] of [[{}, true], [{ apiBase: "http://127.0.0.1:9" }, false]] as const
      ) {
        const { account: { health, rest } } = await creating(scene, fields);
        health.began([], () => undefined);
        await rest.request("GET", "/users/@me", { notAfter: Date.now() + 1_000 }).catch(() => {});
        assert.equal(health.snapshot().rest.isUp, isUp);
      }
    }));
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
