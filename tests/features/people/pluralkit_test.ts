/** Tests people who share an account, and write through PluralKit's webhooks. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addWebhook } from "../../../simulator/world/create_world.ts";
import { type Pluralkit, startPluralkit } from "../../../simulator/pluralkit/server.ts";
import { PLURALKIT_APPLICATION_ID } from "../../../simulator/actions/webhooks.ts";
import { type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";

const TIDE = { id: "tides", name: "Tide" };
const LUNA = { id: "lunaa", name: "Luna" };
const SOL = { id: "solaa", name: "Sol" };

/** Plays with a PluralKit server, and a bot that allows Luna and the given users. */
function withPluralkit(
  users: readonly string[],
  play: (scene: Scene, pluralkit: Pluralkit) => Promise<void>,
  options: SceneOptions = {},
): Promise<void> {
  return withSimulation(options, async (scene) => {
    const { simulator } = scene;
    const pluralkit = await startPluralkit({ simulator });
    const [krill] = simulator.world.guilds.values();
    assert.ok(krill);
    scene.rewrite({
      discord: () => ({
        guilds: { [krill.id]: { users } },
        pluralkit: { enabled: true, apiUrl: pluralkit.apiUrl },
      }),
    });
    try {
      await play(scene, pluralkit);
    } finally {
      await pluralkit.close();
    }
  });
}

const ask = ({ say, mention }: Scene, text: string) =>
  say("grace", "general", `${mention} ${text}`);

describe("[P13] a message that PluralKit posts for a member", () => {
  it("counts as the member's, and is answered if the member is listed; the original is not", () =>
    withPluralkit(["pk:lunaa"], async (scene, pluralkit) => {
      const { start, decided, replies, model, simulator } = scene;
      await start();
      const original = ask(scene, "hello from Luna");
      const proxied = pluralkit.proxy(original, TIDE, LUNA);
      assert.equal(await decided(proxied), "accept: mentioned");
      assert.match((await replies("general", 1))[0] ?? "", /hello from Luna/);
      assert.match(model.requests[0]?.body ?? "", /Luna \(PK:Tide\)/);
      assert.match(await decided(original), /^ignore: (sender-not-listed|pk-original)$/);
      assert.deepEqual(pluralkit.requests.map(({ path }) => path), [`/v2/messages/${proxied.id}`]);

      const other = pluralkit.proxy(ask(scene, "hello from Sol"), TIDE, SOL);
      assert.equal(await decided(other), "ignore: sender-not-listed");
      assert.equal(simulator.posted().length, 1);
    }));
});

describe("[SEC-R33] a webhook that PluralKit does not confirm", () => {
  it("counts as a bot under any name, and PluralKit is asked about its own webhooks only", () =>
    withPluralkit(["grace", "pk:lunaa", "luna"], async (scene, pluralkit) => {
      const { simulator, start, decided, mention } = scene;
      const [, limpet] = simulator.world.applications.values();
      assert.ok(limpet);
      addWebhook(simulator.world, "forger", Date.now(), limpet.id);
      await start();
      for (const as of ["forger", "deploys"]) {
        for (const name of ["Luna", "grace"]) {
          const forged = simulator.say({
            as,
            in: "general",
            text: `${mention} it is me`,
            calling: { name, avatar: "f00" },
          });
          assert.equal(await decided(forged), "ignore: webhook", `${as} as ${name}`);
        }
      }
      assert.deepEqual(pluralkit.requests, []);

      // PluralKit's application created this one, but PluralKit does not have its message.
      addWebhook(simulator.world, "stray", Date.now(), PLURALKIT_APPLICATION_ID);
      const calling = { name: "Luna" };
      const text = `${mention} it is me`;
      const stray = simulator.say({ as: "stray", in: "general", text, calling });
      assert.equal(await decided(stray), "ignore: webhook");
      // More than once, because PluralKit may receive its own message after we do; but not for
      // ever.
      assert.ok(pluralkit.requests.length >= 1 && pluralkit.requests.length <= 5);
      assert.equal(simulator.posted().length, 0);
    }));
});
