/** Plays a catch-up as people on Discord see it (T17). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { PERMISSION } from "../../../simulator/world/permissions.ts";
import { type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";

const NOW = Date.UTC(2026, 0, 2);

/** Adds a channel that helpers and the bot read. */
function addStaff({ simulator: { world } }: Scene): void {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  const bits = PERMISSION.viewChannel | PERMISSION.readMessageHistory | PERMISSION.sendMessages;
  const open = [...krill.roles.values()].filter(({ name }) => name !== "@everyone")
    .map(({ id }) => ({ id, kind: "role" as const, allow: bits, deny: 0n }));
  const closed = { id: krill.id, kind: "role" as const, allow: 0n, deny: bits };
  addChannel(world, krill, { name: "staff", overwrites: [closed, ...open] }, NOW);
}

const judged = (scene: Scene) => scene.rows("SELECT id FROM decision");

describe("[T17] /catchup", () => {
  it("tells a person what they missed where they may read, and `why` explains it", () =>
    withSimulation({}, async (scene) => {
      const { say, simulator, model, eventually, cli } = scene;
      addStaff(scene);
      simulator.setRoles({ who: "grace", roles: [] });
      await scene.start();
      await registered(scene);
      const away = say("grace", "general", "Back in an hour.");
      const secret = say("ada", "staff", "The ferry was too expensive.");
      const open = say("ada", "help", "The ferry leaves at nine.");
      await eventually("the messages", () => Promise.resolve(judged(scene).length === 3));
      const hers = await give(scene, { as: "grace", in: "#general", name: "catchup" });
      assert.ok(hers.endsWith(`/${open.id}`), hers);
      assert.ok(!hers.includes(secret.id) && !hers.includes(away.id), hers);
      const { body = "" } = model.requests.at(-1) ?? {};
      assert.ok(body.includes("leaves at nine") && !body.includes("expensive"), body);
      assert.doesNotMatch(hers, /message [23]/, "a line without a message");
      const options = { since: "1h" };
      const his = await give(scene, { as: "ada", in: "dm", name: "catchup", options });
      assert.ok(his.endsWith(`/${away.id}`), his);
      assert.deepEqual(scene.written("general"), []);
      const [, id = ""] = /\/why (\d+)/.exec(hers) ?? [];
      const { stdout } = await cli("why", id);
      assert.match(stdout.join("\n"), /only its sender saw the answer/);
    }));
});
