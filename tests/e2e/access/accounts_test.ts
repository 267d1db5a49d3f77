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

  it("[N2] answer once if both may answer", () =>
    withTwo(undefined, async (pair) => {
      const { say, mention, squid, simulator, until, eventually, decided, rows } = pair;
      const heardByBoth = [
        say("grace", "off-topic", "anybody?"),
        say("grace", "general", `${mention} <@${squid.userId}> you two`),
      ];
      const total = () => simulator.posted().length + simulator.posted(undefined, squid).length;
      await until("an answer to each", () => total() >= heardByBoth.length);
      for (const message of heardByBoth) {
        const sql = `SELECT 1 FROM decision WHERE message_id = '${message.id}'`;
        await eventually("both verdicts", () => Promise.resolve(rows(sql).length === 2));
        assert.match(await decided(message), /accept/);
      }
      say("ada", "dm", "after them"); // one more turn for each, so that all earlier ones are decided
      say("ada", "dm:Squid", "after them");
      await until("these answers", () => total() >= heardByBoth.length + 2);
      assert.equal(total(), heardByBoth.length + 2);
    }));

  it("[N2] answer by the account of the agent that a binding chooses", () =>
    withTwo(undefined, async (pair) => {
      const { say, until, eventually, simulator, squid, bySquid, rows, decided } = pair;
      const total = () => simulator.posted().length + simulator.posted(undefined, squid).length;
      const first = say("grace", "off-topic", "anybody?");
      await until("an answer", () => total() === 1);
      const isDecidedTwice = ({ id }: { readonly id: string }) =>
        rows(`SELECT 1 FROM decision WHERE message_id = '${id}'`).length === 2;
      await eventually("both verdicts", () => Promise.resolve(isDecidedTwice(first)));
      const before = bySquid("off-topic").length;
      for (let count = 1; count <= 3; count++) {
        const message = say("grace", "off-topic", `and ${count}?`);
        await until("Squid to answer", () => bySquid("off-topic").length === before + count);
        await eventually("both verdicts", () => Promise.resolve(isDecidedTwice(message)));
        assert.match(await decided(message), /other-account/);
      }
      assert.equal(total(), 4);
      const agents = rows("SELECT agent_id FROM inbox ORDER BY id DESC LIMIT 3");
      assert.deepEqual(agents, agents.map(() => ({ agent_id: "ink" })));
    }, {
      agents: { list: [{ id: "main" }, { id: "ink" }] },
      bindings: [{ agentId: "ink", match: { accountId: "squid" } }],
    }));

  it("[N3] never answer each other, even with allowBots", () =>
    withTwo(
      accounts({}, { allowBots: true }),
      async ({ say, simulator, squid, until, decided }) => {
        say("grace", "off-topic", "anybody?");
        const first = await until(
          "an answer",
          () => simulator.posted()[0] ?? simulator.posted(undefined, squid)[0],
        );
        assert.equal(await decided(first), "ignore: own");
      },
    ));

  it("[N3] [P11] answer each other within the loop guard, if the config says so", () =>
    withTwo(accounts({}, { allowBots: true }), async (pair) => {
      const { say, simulator, squid, until, eventually, rows, mention, replies } = pair;
      say("grace", "off-topic", "anybody?");
      const { id } = simulator.channel("off-topic");
      const posted = () => simulator.posted(id).length + simulator.posted(id, squid).length;
      const muted = "SELECT 1 FROM setting WHERE name = 'loop' AND value ->> '$.mutedAt' > 0";
      await eventually("the end", () => Promise.resolve(rows(muted).length > 0));
      say("grace", "general", `${mention} still there?`);
      await replies("general", 1);
      assert.ok(posted() > 2 && posted() <= 6, `${posted()} messages`);
      const notices = () =>
        [...simulator.posted(), ...simulator.posted(undefined, squid)].map(({ content }) => content)
          .join("\n");
      await until("the notice to an owner", () => /only bots write.*feeds/.test(notices()));
    }, { router: { noSelfTalk: { ignoreBotMessages: false } } }));

  it("inherit unset keys, and explanations name the place of a rule", () =>
    withTwo(accounts({ dm: { policy: "disabled" } }), async (pair) => {
      const { say, replies, decided, cli, until, simulator, squid } = pair;
      const refused = say("ada", "dm:Squid", "hello");
      assert.equal(await decided(refused), "ignore: dm-disabled");
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      say("grace", "general", `<@${squid.userId}> hello`);
      await until("Squid to answer", () => simulator.posted(undefined, squid).length === 1);
      const why = await cli("why", refused.id, "--json");
      assert.match(why.stdout.join(""), /channels\.discord\.accounts\.squid\.dm\.policy/);
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

  it("with the same token are a config error", () =>
    withSimulation({}, async (scene) => {
      scene.rewrite({ discord: () => ({ accounts: { twin: { token: "${DISCORD_BOT_TOKEN}" } } }) });
      const { code, stderr } = await scene.cli("config", "check");
      assert.equal(code, 78);
      assert.match(stderr.join("\n"), /same token/i);
      assert.ok(!stderr.join("\n").includes(scene.simulator.token));
    }));
});
