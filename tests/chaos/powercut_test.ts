/** Fails the power while people talk to the bot. */

import { describe, it } from "node:test";
import { skipUnless } from "../support/skip.ts";
import { missingForPowerCuts, scenario } from "./scenarios/powercut.ts";
import { assertKept } from "./support/report.ts";

const missing = missingForPowerCuts();

describe("[D1] [G5] [G7] power cuts", skipUnless(missing === undefined, missing ?? ""), () => {
  it("lose and double no message, at 200 moments of one run", async () => {
    assertKept("powercut", await scenario.run({ ...scenario.short, seed: 20_261_120 }));
  });
});
