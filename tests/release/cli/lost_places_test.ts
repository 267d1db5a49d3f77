/** Tests events whose model, thread or place is not there: none is lost in silence (W3, W5, W6). */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { listening } from "../../support/network/listening.ts";

const SECRET = "lost-canary-5Hd2Kq7Lx4Vb8Nz1Tc6Rw9";
const TEMPLATE = "{{ monitor }} is {{ status | 0=down | 1=up }}";
const DOWN = { monitor: "web", status: 0 };

type Hooks = (simulator: Simulator) => Readonly<Record<string, object>>;

const configOf = (hooks: Readonly<Record<string, object>>, more: object = {}) => ({
  config: { http: { port: 0, hooks: { port: 0 } }, hooks, ...more },
});

const to = (simulator: Simulator, where = "general") => ({
  to: `channel:${simulator.channel(where).id}`,
  secret: SECRET,
  template: TEMPLATE,
  perMinute: 60,
});

async function withHooks(
  hooksOf: Hooks,
  play: (scene: Scene) => Promise<void>,
  more: object = {},
  mayRefuse?: () => boolean,
): Promise<void> {
  await withSimulation({ mayRefuse }, async (scene) => {
    scene.rewrite(configOf(hooksOf(scene.simulator), more));
    await play(scene);
  });
}

/** Sends an event, and returns its id. */
async function send(scene: Scene, bot: SimulatedProcess, hook: string, body: object = DOWN) {
  const line = await scene.line(bot, /"Listening for hooks"/);
  const response = await fetch(JSON.parse(line).fields.address + hook, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 202);
  return String(JSON.parse(await response.text()).id);
}

const why = async ({ cli }: Scene, id: string) => (await cli("why", id)).stdout.join("\n");

describe("[W5] an event that no model answers", () => {
  const byModel: Hooks = (simulator) => ({ ask: to(simulator) });

  it("is posted with the reason if its turn fails, and shows its body without a template", () =>
    withHooks((simulator) => ({
      ask: to(simulator),
      bare: { ...to(simulator, "help"), template: undefined },
    }), async (scene) => {
      const bot = await scene.start();
      scene.model.behave("garbage");
      await send(scene, bot, "ask");
      const [post = ""] = await scene.replies("general", 1);
      assert.match(post, /^web is down\n-# \S/);
      await send(scene, bot, "bare", { disk: "*full* <@1>" });
      const [bare = ""] = await scene.replies("help", 1);
      assert.match(bare, /^{\n "disk": "\\\*full\\\* \\<@1>"\n}\n-# \S/);
    }));

  it("is posted once if an owner pauses the bot in its turn, and at once while it is paused", () =>
    withHooks(byModel, async (scene) => {
      const bot = await scene.start();
      scene.model.behave("hang");
      const id = await send(scene, bot, "ask");
      await scene.until("the request", () => scene.model.requests.length > 0);
      const waiting = await send(scene, bot, "ask", { ...DOWN, monitor: "db" });
      assert.equal((await scene.cli("pause")).code, 0);
      scene.model.behave("script");
      assert.equal((await scene.cli("resume")).code, 0);
      await scene.replies("general", 2);
      assert.equal((await scene.cli("pause")).code, 0);
      const later = await send(scene, bot, "ask", { ...DOWN, monitor: "nas" });
      await scene.replies("general", 3);
      const written = scene.written("general");
      assert.equal(written.filter((text) => text === "web is down").length, 1);
      assert.equal(written.at(-1), "nas is down");
      assert.match(await why(scene, id), /^ {2}It is answered: an owner has paused the bot\.$/m);
      assert.match(
        await why(scene, waiting),
        /\n {2}The account default answers it.\n.*It is answered/,
      );
      assert.match(await why(scene, later), /an owner has paused the bot/);
    }));
});

describe("[W1] a bot whose port for hooks is taken", () => {
  it("tells it in status and doctor, until the config names another", async () => {
    const taken = createServer();
    const port = await listening(taken);
    try {
      await withSimulation({}, async (scene) => {
        const hooks = { post: { ...to(scene.simulator), model: false } };
        scene.rewrite({
          config: { http: { port: 0, hooks: { bind: ["127.0.0.1"], port } }, hooks },
        });
        const bot = await scene.start();
        await scene.line(bot, /"Cannot listen for hooks/);
        await scene.line(bot, /"The bot is ready"/);
        const told = new RegExp(
          `http\\.hooks:? +Cannot listen on 127\\.0\\.0\\.1, port ${port}: another program uses it`,
        );
        assert.match((await scene.cli("status")).stdout.join("\n"), told);
        assert.match(
          (await scene.cli("doctor")).stdout.join("\n"),
          /Cannot listen on 127\.0\.0\.1, port/,
        );
        scene.rewrite(configOf(hooks));
        await send(scene, bot, "post");
        assert.deepEqual(await scene.replies("general", 1), ["web is down"]);
        assert.doesNotMatch((await scene.cli("status")).stdout.join("\n"), /Cannot listen/);
      });
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });
});
