import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AGENT } from "../../../../src/cli/demo/scenes/agent.ts";
import { playScene } from "../../../../src/cli/demo/scenes/play.ts";

/** A scene starts a Discord, a model and a bot, which takes long on a busy machine. */
const LIMIT = { timeout: 60_000 };

describe("[O5] scenes of the agent", () => {
  for (const scene of AGENT) {
    it(scene.name, LIMIT, async () => {
      const { failure, log, asserted } = await playScene(scene);
      assert.equal(failure, undefined, log?.join("\n"));
      assert.ok(asserted.length >= 2, asserted.join());
    });
  }
});
