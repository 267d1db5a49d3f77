/** Tests names in allow lists, and people who change their names. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { INTENT } from "../../../simulator/world/intents.ts";
import type { Guild } from "../../../simulator/world/world.ts";
import {
  ended,
  killBot,
  type Scene,
  type SceneOptions,
  stopBot,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

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
  const play = sharedBot(allowing("grace"));

  it("[O7] is no trouble of its own if Discord refuses the token meanwhile", () =>
    withSimulation(
      { ...allowing("Grace"), mayRefuse: ({ status }) => status === 401 },
      async ({ simulator, start, until }) => {
        const fault = { kind: "status", status: 401 } as const;
        simulator.faults.rest.add({ route: "/guilds/:id/members/search", fault });
        const bot = await start();
        const failed = () => bot.lines.filter((line) => /Cannot resolve the names/.test(line));
        await until("a search to fail", () => failed().length > 0);
        simulator.faults.rest.add({ fault }); // from now on, Discord knows the token no more
        assert.deepEqual(await ended(bot), { code: 77, signal: null });
        assert.deepEqual(failed().filter((line) => !/Discord knows the token/.test(line)), []);
      },
    ));

  it("[G12] is no trouble of its own if the bot stops during a search", () =>
    withSimulation(allowing("Grace"), async ({ simulator, start, until }) => {
      const route = "/guilds/:id/members/search";
      simulator.faults.rest.add({ route, fault: { kind: "hang" } });
      let isAsked = false;
      simulator.requests.subscribe((request) => isAsked ||= request.route === route);
      const bot = await start();
      await until("a search", () => isAsked);
      await stopBot(bot);
      assert.deepEqual(bot.lines.filter((line) => line.includes("Cannot resolve")), []);
    }));

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

  it("[P4] matches no display name or nickname", () =>
    play(async (scene, bot) => {
      const { simulator } = scene;
      const { id } = addUser(simulator.world, { username: "eve", globalName: "grace" }, Date.now());
      addMember(krillOf(scene), { userId: id, joinedAt: Date.now(), nick: "grace" });
      assert.equal(await verdictOn(scene, "eve"), "ignore: sender-not-listed");
      await knows(scene, bot);
      assert.deepEqual(resolved(scene), [`grace: ${scene.user("grace").id}`]);
      assert.equal(await verdictOn(scene, "eve"), "ignore: sender-not-listed");
      assert.equal(await verdictOn(scene, "grace"), "accept: mentioned");
    }));

  it("that several accounts have matches none, and the log names the candidates", () => {
    const ids: string[] = [];
    return play(async (scene, bot) => {
      await knows(scene, bot);
      assert.deepEqual(resolved(scene), [`grace: ${scene.user("grace").id}`]);
      const said = await scene.line(bot, /twin.*ambiguous|ambiguous.*twin|several/i);
      for (const id of ids) assert.ok(said.includes(id), said);
    }, (scene) => {
      ids.push(...["0001", "0002"].map((discriminator) => join(scene, "twin", discriminator)));
      return allowing("twin", "grace");
    });
  });

  it("stays a name if the bot may not search members, and one line says so", () =>
    withSimulation({
      ...allowing("grace"),
      mayRefuse: ({ route }) => route === "/guilds/:id/members/search",
    }, async (scene) => {
      const { simulator, start, until } = scene;
      const { application } = simulator;
      const privilegedIntents = application.privilegedIntents & ~INTENT.guildMembers;
      simulator.world.applications.set(application.id, { ...application, privilegedIntents });
      const bot = await start();
      assert.equal(await verdictOn(scene, "grace"), "accept: mentioned");
      await until("a warning", () =>
        bot.lines.some((line) => /"level":"warn"/.test(line) && /members/i.test(line)));
      assert.deepEqual(resolved(scene), []);
    }));

  it("of a guild or channel stands for its id, and survives a rename", () =>
    play(async (scene) => {
      const { eventually } = scene;
      const places = () => resolved(scene).filter((one) => !one.startsWith("grace"));
      await eventually("both", () => Promise.resolve(places().length === 2));
      const { id } = scene.simulator.channel("general");
      assert.deepEqual(
        places().toSorted(),
        [`general: ${id}`, `krill-co: ${krillOf(scene).id}`],
      );
      const there = { ...scene, here: "general" };
      assert.equal(await verdictOn(there, "grace"), "accept: mentioned");
    }, {
      discord: () => ({ dm: {}, guilds: { "krill-co": { channels: { general: {} } } } }),
    }));

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
