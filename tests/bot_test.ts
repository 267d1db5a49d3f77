/**
 * The composition root in this process, on a simulated Discord; what a person sees of
 * it is in `tests/e2e/`.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccountSetup, type BotOptions, type RunningBot, startBot } from "../src/bot.ts";
import { type Model, ModelError } from "../src/core/model.ts";
import { ACCOUNT } from "./support/discord/builders.ts";
import { onSimulator, PARROT, PATIENCE_MS } from "./support/bot/in_process.ts";
import { accepted, batch } from "./support/store/store.ts";
import { modelsOf } from "./support/bot/models.ts";

/** The same, with something else about its one account. */
function withAccount<Options extends BotOptions>(
  options: Options,
  other: Partial<AccountSetup>,
): Options {
  const { setup } = options;
  const accounts = new Map(
    Array.from(setup.accounts, ([id, account]) => [id, { ...account, ...other }]),
  );
  return { ...options, setup: { ...setup, accounts } };
}

async function ask(bot: RunningBot, path: string): Promise<Response> {
  const request = new Request(`http://localhost${path}`, {
    headers: { host: "localhost", authorization: "Bearer key" },
  });
  return await bot.http(request);
}

describe("startBot()", () => {
  for (const features of [undefined, []]) {
    it(`[D1] answers, reports its health, and stops with nothing left open${features ? ", without any extra" : ""}`, () =>
      onSimulator(async (simulator, options) => {
        const bot = await startBot({ ...options, ...(features && { features }) });
        const patience = AbortSignal.timeout(PATIENCE_MS);
        await simulator.until(() => simulator.connected() > 0 || undefined, patience);
        const text = `<@${simulator.application.userId}> hello`;
        simulator.say({ as: "grace", in: "general", text });
        const reply = await simulator.until(() => simulator.posted("general")[0], patience);
        assert.match(reply.content, /^you said: [\s\S]*hello/);
        if (!features) assert.equal((await ask(bot, "/livez")).status, 200);
        await bot.stop();
        if (!features) assert.equal((await ask(bot, "/readyz")).status, 503);
        const left = Object.entries((await options.store.health()).outbox).filter(([, n]) => n);
        assert.deepEqual(left, []);
        await simulator.until(() => simulator.connected() === 0 || undefined, patience);
      }));
  }

  it("[O7] ends as refused after REST refuses the token once", () =>
    onSimulator(async (simulator, options) => {
      const bot = await startBot(withAccount(options, { token: `${simulator.token}x` }));
      assert.equal((await bot.ended).kind, "refused");
      await bot.stop();
      const refused = simulator.requests.records().filter(({ status }) => status === 401);
      assert.equal(refused.length, 1);
      assert.equal(simulator.account().identifies.length, 0);
    }));

  it("[C7] connects no account if none is enabled, and logs it", () =>
    onSimulator(async (simulator, options) => {
      const setup = { ...options.setup, accounts: new Map() };
      const bot = await startBot({ ...options, setup });
      const health = await (await ask(bot, "/healthz")).json();
      assert.equal(health.checks["account:disabled"][0].output, "disabled by the config");
      await bot.stop();
      assert.equal(simulator.requests.records().length, 0);
    }));

  it("[O1] is not ready from a model's refusal until the model answers again", () =>
    onSimulator(async (simulator, options) => {
      let isRefusing = true;
      const model: Model = {
        ...PARROT,
        async *generate(request, signal) {
          if (isRefusing) throw new ModelError("no", { kind: "unauthorized", modelId: PARROT.id });
          yield* PARROT.generate(request, signal);
        },
      };
      const bot = await startBot(withAccount(options, { models: modelsOf(model) }));
      const patience = AbortSignal.timeout(PATIENCE_MS);
      await simulator.until(() => simulator.connected() > 0 || undefined, patience);
      const text = `<@${simulator.application.userId}> hello`;
      const failing = async () => (await (await ask(bot, "/readyz")).json()).failing;
      simulator.say({ as: "grace", in: "general", text });
      await simulator.until(() => simulator.posted("general")[0], patience);
      assert.deepEqual(await failing(), ["llm:test/parrot"]);
      isRefusing = false;
      simulator.say({ as: "grace", in: "general", text });
      await simulator.until(() => simulator.posted("general")[1], patience);
      assert.deepEqual(await failing(), []);
      await bot.stop();
    }));

  it("[D1] logs its handling of another bot's data", () =>
    onSimulator(async (simulator, options, said) => {
      const { store } = options;
      await store.gateway.adoptPeer(ACCOUNT, "another");
      const first = await startBot(options);
      const isOver = () =>
        said().includes(
          "Another bot or server than last time: deleted the sessions and messages of the old one",
        );
      await simulator.until(() => isOver() || undefined, AbortSignal.timeout(PATIENCE_MS));
      await first.stop();
      assert.ok(!said().includes("Turns of the last process run again"));

      await store.inbox.acceptBatch(batch({ judged: [accepted()] }), 1);
      await store.inbox.claimNext(ACCOUNT, 1, []);
      const second = await startBot(options);
      await second.stop();
      assert.ok(said().includes("Turns of the last process run again"));
    }));

  it("[O1] is connecting, and not ready, while the gateway's address is missing", () =>
    onSimulator(async (simulator, options) => {
      simulator.faults.rest.add({ fault: { kind: "status", status: 503 } });
      const bot = await startBot(options);
      const { checks } = await (await ask(bot, "/healthz")).json();
      assert.equal(checks["gateway:connection"][0].output, "connecting");
      assert.equal((await ask(bot, "/readyz")).status, 503);
      await bot.stop();
    }));

  const away = { kind: "status", status: 503 } as const;
  const later = { kind: "rate_limit", retryAfterSec: 600, scope: "user" } as const;
  for (
    const [what, fault, peer] of [
      ["waits for Discord to name the token's bot", { fault: away }, "another"],
      ["looks for its gateway", { fault: away }],
      ["is asked to wait", { route: "/gateway/bot", fault: later }],
    ] as const
  ) {
    it(`[G12] stops while it ${what}`, () =>
      onSimulator(async (simulator, options) => {
        if (peer) await options.store.gateway.adoptPeer(ACCOUNT, peer);
        simulator.faults.rest.add(fault);
        const bot = await startBot(options);
        const patience = AbortSignal.timeout(PATIENCE_MS);
        await simulator.until(() => simulator.requests.records()[0], patience);
        await bot.stop();
      }));
  }
});
