/** Goes on with a copy of the store that lags behind, as another machine with Litestream's copy does. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { copyDatabase } from "../../../src/store/copy/copy.ts";
import { withSimulation } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";

describe("[O11] a start from a copy that lags behind", () => {
  it("answers no message twice, and none is lost", () =>
    withSimulation({}, async (scene) => {
      const { dataDir, say, mention, replies, written } = scene;
      const first = await scene.start();
      say("grace", "general", `${mention} alpha`);
      await replies("general", 1);
      mkdirSync(join(dataDir, "second"), { mode: 0o700 });
      copyDatabase(join(dataDir, DATABASE_NAME), join(dataDir, "second", DATABASE_NAME));

      say("grace", "general", `${mention} bravo`);
      await replies("general", 2);
      first.kill("SIGKILL");
      await first.exited;
      say("grace", "general", `${mention} charlie`);

      await using _second = startSecondBot(scene, { name: "second" });
      say("grace", "general", `${mention} delta`);
      // Each message has its turn after those before it, so a second answer would be there by then.
      await scene.until("the last answer", () =>
        written("general").some((one) => one.includes("delta")));
      for (const text of ["alpha", "bravo", "charlie", "delta"]) {
        const answers = written("general").filter((one) =>
          one.includes(text)
        );
        assert.equal(answers.length, 1, text);
      }
    }));
});
