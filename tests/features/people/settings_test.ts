/** Tests the commands that change settings: their effect, and that it outlives a restart. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ended, withSimulation } from "../../support/bot/e2e.ts";
import { give, registered } from "../../support/bot/slash.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };

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
