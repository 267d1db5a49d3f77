import { describe, it } from "node:test";
import { NEEDS_POSTGRES } from "../../support/store/postgres.ts";
import { scenario } from "../scenarios/fleet.ts";
import { assertKept, SEED } from "../support/report.ts";

describe("three processes of one bot", NEEDS_POSTGRES, () => {
  it(`[O15] [D1] [D2] [T1] ${scenario.name} › ${scenario.summary}`, async () => {
    assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
  });

  it("[O16] with four partitions, while the database is restarted, too", async () => {
    const given = { ...scenario.short, partitions: 4, faults: 4, seed: SEED };
    assertKept(scenario.name, await scenario.run(given));
  });
});
