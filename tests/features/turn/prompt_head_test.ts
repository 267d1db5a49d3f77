/** Tests that a model reads little of a conversation again, whoever speaks next (T2b). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  configOf,
  type Scene,
  stopBot,
  withSimulation,
  writeConfig,
} from "../../support/bot/e2e.ts";
import { scriptedProgram } from "../../support/model/mcp_scripted.ts";

const DAY_MS = 86_400_000;
/** The least share of a request, up to its newest message, with which the next one must begin. */
const KEPT = 0.97;

/** A bot with tools of owners, whose model has such a window. */
function prepare(scene: Scene, contextWindow: number): void {
  const { simulator, model } = scene;
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  const models = { "barnacle-script": { contextWindow } };
  const toolsBySender = { [scene.user("mallory").id]: { deny: ["memory"], alsoAllow: ["exec"] } };
  writeConfig(scene, {
    ...configOf(simulator, {
      discord: () => ({ guilds: { [krill.id]: { toolsBySender } } }),
      config: {
        models: {
          providers: { sized: { kind: "openai-compatible", baseUrl: model.baseUrl, models } },
        },
        agents: { defaults: { model: "sized/barnacle-script" } },
        commands: { ownerAllowFrom: ["ada"] },
        tools: { prompt: "auto" },
        exec: { allow: [] },
        mcp: { servers: { asks: { ...scriptedProgram("Looks."), sandbox: "off" } } },
      },
    }),
  });
}

/** The tools of a request, and its messages before the newest one, in the order of chat templates. */
function headOf(body: string): { readonly head: string; readonly all: string } {
  const { tools, messages } = JSON.parse(body);
  const texts = messages.map((one: unknown) => JSON.stringify(one));
  const newest = messages.findLastIndex(({ role }: { role: string }) => role === "user");
  const parts = [JSON.stringify(tools), ...texts];
  return { head: parts.slice(0, newest + 1).join(""), all: parts.join("") };
}

function sharedShare(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length / one.length;
}

describe("[T2b] the head of the prompt", () => {
  for (const contextWindow of [8_192, 131_072]) {
    it(`stays over changes of speaker, topic, day, note, reminder and process, at ${contextWindow}`, async (t) => {
      let shift = -2 * DAY_MS;
      const now = () => Date.now() + shift;
      await withSimulation({ simulator: { now } }, async (scene) => {
        const { say, mention, replies, model, simulator, startWithTools } = scene;
        prepare(scene, contextWindow);
        const bodies: { readonly what: string; readonly body: string }[] = [];
        let place = "general";
        let answers = 0;
        async function ask(what: string, as: string, text = what): Promise<void> {
          const { id } = say(as, place, `${mention} ${text}`);
          await replies(place, ++answers);
          const asked = model.requests.filter(({ body }) => headOf(body).all.includes(id));
          bodies.push(...asked.map(({ body }) => ({ what, body })));
        }
        const call = (tool: string, input: object) => `\ncall: ${tool} ${JSON.stringify(input)}`;
        simulator.invite({ who: "mallory", guild: "Krill & Co" });
        const bot = await startWithTools();
        await ask("an owner", "ada");
        await ask("a member", "grace");
        await ask("a member with rules of their own", "mallory");
        await ask("the owner again", "ada");
        simulator.renameChannel(place, "krill-only");
        place = "krill-only";
        await ask("another name of the channel", "grace");
        await ask("a note", "grace", call("memory", { action: "save", text: "Grace likes krill" }));
        await ask("after a note", "ada");
        const reminder = { action: "create", when: "2h", text: "feed the krill" };
        await ask("a reminder", "ada", call("remind", reminder));
        await ask("after a reminder", "grace");
        shift += DAY_MS;
        await ask("another day", "ada");
        await stopBot(bot);
        await startWithTools();
        await ask("a member after a restart", "grace");
        await ask("the owner after a restart", "ada");

        const heads = bodies.map(({ what, body }) => ({ what, ...headOf(body) }));
        for (const [at, { what, all }] of heads.entries()) {
          const before = heads[at - 1];
          if (!before) continue;
          const kept = sharedShare(before.head, all);
          t.diagnostic(`${(kept * 100).toFixed(1)} % of ${before.head.length}: ${what}`);
          assert.ok(kept >= KEPT, `${what}: ${kept}`);
        }
      });
    });
  }
});
