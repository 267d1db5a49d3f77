/** Tests access: one bot, one config, and senders with and without access. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../../simulator/simulator.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import type { Guild, Message } from "../../../simulator/world/world.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import {
  ended,
  killBot,
  type Ran,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const RULES = (simulator: Simulator) => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return {
    dm: { policy: "allowlist", allowFrom: ["ada"], groupEnabled: true },
    guilds: {
      [krill.id]: {
        channels: { general: {}, help: { users: ["role:helpers"] }, "off-topic": { allow: false } },
      },
    },
  };
};

const groupDm = ({ simulator }: Scene): string => {
  const group = [...simulator.world.channels.values()].find(({ kind }) => kind === "group_dm");
  assert.ok(group);
  return group.id;
};

const cases: readonly [
  what: string,
  as: string,
  where: string | ((scene: Scene) => string),
  verdict: string,
  text?: string,
][] = [
  ["a member in an open channel", "grace", "general", "accept: mentioned"],
  ["a member who mentions nobody", "grace", "general", "ignore: no-mention", "good morning"],
  ["a member with the role that the channel asks for", "grace", "help", "accept: mentioned"],
  ["a member without it, who owns the guild", "ada", "help", "ignore: sender-not-listed"],
  ["a thread of that channel", "ada", "How do I feed krill?", "ignore: sender-not-listed"],
  ["a channel that is closed", "ada", "off-topic", "ignore: channel-disabled"],
  ["a guild that is not listed", "edsger", "Elsewhere/#lounge", "ignore: guild-not-listed"],
  ["another bot", "Limpet", "general", "ignore: bot"],
  ["a webhook", "deploys", "general", "ignore: webhook"],
  ["who may write directly", "ada", "dm", "accept: dm-allowed"],
  ["who may not", "mallory", "dm", "ignore: dm-not-allowed"],
  ["the same in a group, where no mention is needed", "ada", groupDm, "accept: group-dm-allowed"],
  ["others in the group, who get no code", "grace", groupDm, "ignore: dm-not-allowed"],
];

describe("[P5] [P6] [P8] [P10] [P11] [P14] access", () => {
  const play = sharedBot({ discord: RULES });

  it("follows the config for each sender and place", () =>
    play(async (scene) => {
      const { simulator, decided, mention } = scene;
      for (const [what, as, where, verdict, text = `${mention} ${what}`] of cases) {
        const channel = typeof where === "string" ? where : where(scene);
        const message = simulator.say({ as, in: channel, text });
        assert.equal(await decided(message), verdict, what);
      }
      const accepted = cases.filter(([, , , verdict]) => verdict.startsWith("accept"));
      await scene.until("the answers", () => simulator.posted().length >= accepted.length);
      assert.equal(simulator.posted().length, accepted.length);
      for (const [what, , , verdict] of cases) {
        const heard = scene.model.requests.some(({ words }) => words.includes(what));
        assert.equal(heard, verdict.startsWith("accept") && what !== cases[1]?.[0], what);
      }
    }));
});

const krillOf = ({ simulator }: Pick<Scene, "simulator">): Guild => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return krill;
};

const allowing = (...users: readonly string[]): Pick<SceneOptions, "discord"> => ({
  discord: (simulator) => ({ dm: {}, guilds: { [krillOf({ simulator }).id]: { users } } }),
});

const denying = (channel: string): Pick<SceneOptions, "discord"> => ({
  discord: (simulator) => ({
    dm: {},
    guilds: { [krillOf({ simulator }).id]: { channels: { [channel]: { allow: false }, "*": {} } } },
  }),
});

/** A new member of the guild. */
function join(scene: Scene, username: string, discriminator?: string): string {
  const { world } = scene.simulator;
  const user = addUser(world, { username, ...(discriminator && { discriminator }) }, Date.now());
  addMember(krillOf(scene), { userId: user.id, joinedAt: Date.now() });
  return user.id;
}

/** Waits until the bot has resolved names; its line comes after the store has them. */
const knows = ({ line }: Scene, bot: SimulatedProcess) => line(bot, /was resolved to an id/);

const resolved = ({ rows }: Scene) =>
  rows("SELECT typed, found_id AS id FROM resolved_name").map(({ typed, id }) => `${typed}: ${id}`);

const verdictOn = ({ say, mention, decided, here }: Scene, as: string) =>
  decided(say(as, here, `${mention} hello`));

describe("[P12] a name in an allow list", () => {
  it("stands for its first account: a later owner of the name is refused, over restarts", () =>
    withSimulation(
      { ...allowing("Grace"), simulator: { identifyLimit: { maxConcurrency: 16 } } },
      async (scene) => {
        const { simulator, start, user } = scene;
        const grace = user("grace").id;
        const first = await start();
        await knows(scene, first);
        assert.deepEqual(resolved(scene), [`Grace: ${grace}`]);
        assert.equal(await verdictOn(scene, grace), "accept: mentioned");

        simulator.rename("grace", "hopper");
        const thief = join(scene, "grace");
        assert.equal(await verdictOn(scene, thief), "ignore: sender-not-listed");
        assert.equal(await verdictOn(scene, grace), "accept: mentioned");

        await killBot(first);
        await start();
        assert.equal(await verdictOn(scene, thief), "ignore: sender-not-listed");
        assert.equal(await verdictOn(scene, grace), "accept: mentioned");
      },
    ));

  it("denies its channel under any name, and gives a later holder nothing, over restarts", () =>
    withSimulation({
      simulator: { identifyLimit: { maxConcurrency: 16 } },
      ...denying("off-topic"),
    }, async (scene) => {
      const { simulator, start, say, mention, decided } = scene;
      const asked = (where: string) => decided(say("grace", where, `${mention} hello`));
      const first = await start();
      await knows(scene, first);
      assert.equal(await asked("help"), "accept: mentioned");

      simulator.renameChannel("off-topic", "chat");
      simulator.renameChannel("help", "off-topic");
      assert.equal(await asked("chat"), "ignore: channel-disabled");
      assert.equal(await asked("off-topic"), "ignore: channel-not-listed");

      first.kill("SIGTERM");
      await ended(first);
      await start();
      assert.equal(await asked("chat"), "ignore: channel-disabled");
      assert.equal(await asked("off-topic"), "ignore: channel-not-listed");
      assert.equal(await asked("general"), "accept: mentioned");
    }));
});

const linkTo = ({ simulator }: Scene, { id, channelId }: Message): string => {
  const channel = simulator.channel(channelId);
  const guildId = "guildId" in channel ? channel.guildId : "@me";
  return `https://discord.com/channels/${guildId}/${channelId}/${id}`;
};

const said = ({ code, stdout, stderr }: Ran, expected = 0): string => {
  assert.equal(code, expected, stderr.join("\n"));
  return stdout.join("\n");
};

describe("[P1] beside a running bot", () => {
  const play = sharedBot({});

  describe("[P1] barnacle why", () => {
    it("explains an answered message: each check, the turn and the delivery", () =>
      play(async (scene) => {
        const { here, say, mention, replies, recorded, simulator, cli } = scene;
        const asked = say("grace", here, `${mention} a very private thing`);
        await replies(here, 1);
        const [reply] = simulator.posted(here);
        assert.ok(reply);
        await recorded(reply);
        const words = said(await cli("why", linkTo(scene, asked)));
        assert.match(words, /mention/i);
        assert.match(words, /config\.jsonc:\d+/);
        assert.ok(words.includes(reply.id), words);
        assert.doesNotMatch(words, /a very private thing/);

        const report = JSON.parse(said(await cli("why", asked.id, "--json")));
        assert.equal(report.messageId, asked.id);
        const [decision] = report.decisions;
        assert.deepEqual([decision.verdict, decision.why], ["accept", "mentioned"]);
        assert.ok(decision.checks.length > 0);
        assert.ok(decision.checks.every(({ passed }: { passed: boolean }) => passed));
        assert.equal(report.turn.state, "answered");
        assert.deepEqual(
          report.outbox.map(({ messageId }: Message & { messageId: string }) => messageId),
          [reply.id],
        );
      }));
  });
});

describe("[P1] barnacle why without a running bot", () => {
  it("cannot explain a message that never arrived, and lists possible causes", () =>
    withSimulation({}, async (scene) => {
      const { start, say, simulator, cli, decided } = scene;
      const bot = await start();
      await decided(say("grace", "general", "before"));
      bot.kill("SIGTERM");
      await bot.exited;
      const missed = say("grace", "general", "while it was away");
      const words = said(await cli("why", linkTo(scene, missed)), 1);
      assert.match(words, /never received/i);
      assert.match(words, /not run|off|stopped|no Barnacle/i);
      const { received, causes } = JSON.parse(said(await cli("why", missed.id, "--json"), 1));
      assert.equal(received, false);
      assert.ok(causes.length > 0);
      assert.equal(simulator.posted().length, 0);
    }));
});
