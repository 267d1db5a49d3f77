import { describe, it } from "node:test";
import { NEEDS_POSTGRES } from "../../support/store/postgres.ts";
import { scenario } from "../scenarios/fleet.ts";
import { assertKept, SEED } from "../support/report.ts";

describe("[O15] three processes of one bot", NEEDS_POSTGRES, () => {
  it(`[D1] [D2] [T1] ${scenario.name} › ${scenario.summary}`, async () => {
    assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
  });
});
