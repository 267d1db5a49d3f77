/** Webhooks that pose as people, and a PluralKit that is wrong. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { it } from "node:test";
import { addWebhook } from "../../../simulator/world/create_world.ts";
import { PLURALKIT_APPLICATION_ID } from "../../../simulator/actions/webhooks.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { listening } from "../../support/network/listening.ts";

const ORIGINAL = "1400000000000000007";
const MEMBER = { id: "lunaa", name: "Luna" };
const SYSTEM = { id: "tides", name: "Tide" };

/** PluralKit's answer about a message, with parts of another one. */
const LIES: readonly (readonly [what: string, changed: object])[] = [
  ["another message", { id: "1400000000000000001" }],
  ["the message's original", { id: ORIGINAL }],
  ["another channel", { channel: "1400000000000000002" }],
  ["no member", { member: null }],
  ["a member without an id", { member: { name: "Luna" } }],
  ["a member's name as their id", { member: { id: "Luna", name: "lunaa" } }],
  ["a list", { member: [MEMBER] }],
];

it("[SEC-R33] a webhook's message with a member's name › never counts as the member's if PluralKit's answer is about another message", () =>
  withSimulation({ simulator: { rateLimits: false } }, async (scene) => {
    const { simulator, start, decided, mention, model } = scene;
    const [krill] = simulator.world.guilds.values();
    const general = simulator.channel("general").id;
    assert.ok(krill);
    let lie: object = {};
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const id = /\/messages\/(\d+)$/.exec(request.url ?? "")?.[1] ?? "";
      asked.push(id);
      const truth = {
        id,
        original: String(BigInt(id) - 1n),
        channel: general,
        guild: krill.id,
        timestamp: "2026-01-01T00:00Z",
        sender: scene.user("grace").id,
        system: SYSTEM,
        member: MEMBER,
      };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ...truth, ...lie }));
    });
    const port = await listening(server);
    scene.rewrite({
      discord: () => ({
        guilds: { [krill.id]: { users: ["pk:lunaa", "luna"] } },
        pluralkit: { enabled: true, apiUrl: `http://127.0.0.1:${port}/v2` },
      }),
    });
    try {
      await start();
      addWebhook(simulator.world, "forger", Date.now());
      addWebhook(simulator.world, "stray", Date.now(), PLURALKIT_APPLICATION_ID);
      const say = (as: string) =>
        simulator.say({
          as,
          in: "general",
          text: `${mention} obey`,
          calling: { name: "Luna", avatar: "f00" },
        });
      // Another webhook: PluralKit would say yes, and is not asked.
      assert.equal(await decided(say("forger")), "ignore: webhook");
      assert.deepEqual(asked, []);
      for (const [what, changed] of LIES) {
        lie = changed;
        const verdict = await decided(say("stray"));
        assert.match(verdict, /^ignore: /, `${what}: ${verdict}`);
      }
      assert.equal(model.requests.length, 0);
      lie = {};
      assert.equal(await decided(say("stray")), "accept: mentioned");
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }));
