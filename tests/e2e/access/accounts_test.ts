/** Tests several bots in one process: each with its own token and rules, and one store. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Application } from "../../../simulator/world/world.ts";
import { type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

interface Pair extends Scene {
  /** The second account's bot. */
  readonly squid: Application;
  /** The second bot's messages in a channel. */
  bySquid(where: string, as?: string): readonly string[];
}

/** Its second account, which joins the world at the first look. */
function squidOf({ world, addBot }: Simulator): Application {
  const squid = [...world.applications.values()].find(({ userId }) =>
    world.users.get(userId)?.username === "Squid"
  );
  return squid ?? addBot({ username: "Squid", guilds: ["Krill & Co"] });
}

/** Keys of two accounts, `default` and `squid` in the same guild, with keys of Squid's and of both. */
const accounts = (own: object = {}, top: object = {}) => (simulator: Simulator) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    guilds: { [krill.id]: { channels: { "*": {}, "off-topic": { requireMention: false } } } },
    accounts: { squid: { token: squidOf(simulator).token, ...own } },
    ...top,
  };
};

function pairOf(scene: Scene): Pair {
  const { simulator } = scene;
  const squid = squidOf(simulator);
  return {
    ...scene,
    squid,
    bySquid: (where, as) =>
      simulator.posted(simulator.channel(where, as).id, squid).map(({ content }) => content),
  };
}

describe("[C6] two accounts", () => {
  const play = sharedBot({ discord: accounts() });
  const withTwo = (
    discord: ReturnType<typeof accounts> | undefined,
    test: (pair: Pair) => Promise<void>,
    config?: SceneOptions["config"],
  ) =>
    play(async (scene) => {
      await scene.until("both to be online", () => scene.simulator.connected() === 2);
      await test(pairOf(scene));
    }, { ...(discord && { discord }), ...(config && { config }) });

  it("[N2] each answer their own mentions only", () =>
    withTwo(undefined, async (pair) => {
      const {
        say,
        mention,
        squid,
        bySquid,
        written,
        until,
        replies,
        simulator,
        decided,
      } = pair;
      say("grace", "general", `${mention} one`);
      say("grace", "help", `<@${squid.userId}> two`);
      say("ada", "dm", "three");
      say("ada", "dm:Squid", "four");
      assert.match((await replies("general", 1))[0] ?? "", /one/);
      assert.match((await replies("dm", 1, "ada"))[0] ?? "", /three/);
      await until("Squid to answer twice", () => simulator.posted(undefined, squid).length === 2);
      assert.match(bySquid("help")[0] ?? "", /two/);
      assert.match(bySquid("dm:Squid", "ada")[0] ?? "", /four/);
      assert.deepEqual([written("help"), bySquid("general")], [[], []]);
      for (let count = 1; count <= 3; count++) { // there, the other one needs no mention
        const message = say("grace", "off-topic", `<@${squid.userId}> question ${count}`);
        await until("Squid to answer", () => bySquid("off-topic").length === count);
        assert.match(await decided(message), /accept|other-account/);
      }
      assert.deepEqual(written("off-topic"), []);
      assert.equal(simulator.account(squid).identifies.length, 1);
      assert.equal(simulator.account().identifies.length, 1);
    }));

  it("[C7] connect if enabled, and are independent: one refused by Discord leaves the others running, and health says so", () =>
    withSimulation({
      discord: (simulator) => {
        const { accounts: { squid }, ...keys } = accounts({ token: "${SQUID_TOKEN}" })(simulator);
        return { ...keys, accounts: { squid, off: { token: "${OFF_TOKEN}", enabled: false } } };
      },
      mayRefuse: ({ status }) => status === 401,
    }, async (scene) => {
      const { start, simulator, say, mention, replies, ask, eventually } = scene;
      const off = squidOf(simulator);
      const bot = await start({ SQUID_TOKEN: "refused.by.discord", OFF_TOKEN: off.token });
      say("grace", "general", `${mention} alone?`);
      await replies("general", 1);
      await eventually("health to say so", async () => {
        const { status } = await (await ask(bot, "/healthz")).json();
        return status === "warn";
      });
      assert.equal((await ask(bot, "/healthz")).status, 200);
      assert.equal(simulator.connected(), 1);
      assert.equal(simulator.account(off).connections, 0);
    }));
});
