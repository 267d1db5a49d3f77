/** Tests the commands that change settings: their effect, and that it outlives a restart. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pluralkit, startPluralkit } from "../../../simulator/pluralkit/server.ts";
import { ended, type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };

describe("[K2] /settings think", () => {
  it("reaches the model of that conversation, from the menu and as a text, after a restart", async () => {
    await using model = await startFixedModel(() => "thought");
    await withSimulation({
      env: { OPENAI_BASE_URL: model.baseUrl },
      config: { commands: OWNER },
    }, async (scene) => {
      const { say, mention, replies, start } = scene;
      const effort = (): unknown => JSON.parse(model.bodies.at(-1) ?? "{}").reasoning_effort;
      const first = await start();
      await registered(scene);
      const options = { name: "think", value: "high" };
      const text = await give(scene, { as: "ada", in: "#general", name: "settings", options });
      assert.match(text, /^`think` is `high` here from now on\./);
      first.kill("SIGTERM");
      await first.exited;
      await start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      assert.equal(effort(), "high");
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      assert.equal(effort(), undefined);
      say("ada", "dm", "/settings think low");
      await replies("dm", 2, "ada");
      say("ada", "dm", "hello again");
      await replies("dm", 3, "ada");
      assert.equal(effort(), "low");
    });
  });
});

describe("[K2] /restart", () => {
  it("ends a supervised bot once its answer is sent, and not again after the start", () =>
    withSimulation({ config: { commands: OWNER } }, async (scene) => {
      const { say, replies, start } = scene;
      const supervised = { BARNACLE_SUPERVISED: "1" };
      const first = await start(supervised);
      await registered(scene);
      const use = (as: string) => give(scene, { as, in: "#general", name: "restart" });
      assert.equal(await use("grace"), "You are not authorized to do that.");
      assert.equal(await use("ada"), "I am restarting. I will be back in a moment.");
      assert.deepEqual(await ended(first), { code: 0, signal: null });
      await start(supervised);
      say("ada", "dm", "/whoami");
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /^You are/);
    }));
});

/** Waits until the bot knows that its newest message is at Discord. */
async function answered({ replies, recorded, simulator }: Scene, count: number): Promise<void> {
  await replies("general", count);
  const newest = simulator.posted("general").at(-1);
  assert.ok(newest);
  await recorded(newest);
}

describe("[I1] the intent filter", () => {
  it("follows a conversation without mentions, and stays out of all others", () =>
    withSimulation({
      discord: ({ world }) => ({
        guilds: { [String([...world.guilds.keys()][0])]: { requireMention: false } },
        intentFilter: { enabled: true },
      }),
    }, async (scene) => {
      const { start, say, mention, decided, simulator, user, cli } = scene;
      await start();
      const chat = say("grace", "general", "anyone seen the game yesterday");
      assert.equal(await decided(chat), "ignore: not-for-bot");
      say("ada", "general", `${mention} how do I serve https with nginx?`);
      await answered(scene, 1);

      const follow = say("ada", "general", "where do you put the server block?");
      assert.equal(await decided(follow), "accept: intent");
      await answered(scene, 2);
      const { stdout } = await cli("why", follow.id);
      assert.match(stdout.join("\n"), /it scores 0\.\d\d, and 0\.70 is enough: .*the bot.* [+−]\d/);

      const thanks = say("ada", "general", "ok thanks");
      assert.equal(await decided(thanks), "ignore: no-reply-needed");

      const other = say("grace", "general", `<@${user("ada").id}> lunch?`);
      assert.equal(await decided(other), "ignore: to-others");
      assert.equal(simulator.posted("general").length, 2);
    }));
});

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
