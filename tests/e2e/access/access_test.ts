/** Tests access: one bot, one config, and senders with and without access. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import type { Guild } from "../../../simulator/world/world.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { killBot, type Scene, type SceneOptions, withSimulation } from "../../support/bot/e2e.ts";

const krillOf = ({ simulator }: Pick<Scene, "simulator">): Guild => {
  const [krill] = simulator.world.guilds.values();
  assert.ok(krill);
  return krill;
};

const allowing = (...users: readonly string[]): Pick<SceneOptions, "discord"> => ({
  discord: (simulator) => ({ dm: {}, guilds: { [krillOf({ simulator }).id]: { users } } }),
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
});
