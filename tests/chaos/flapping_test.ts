import { it } from "node:test";
import { scenario } from "./scenarios/flapping.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[G4] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
