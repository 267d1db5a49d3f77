import { it } from "node:test";
import { scenario } from "./scenarios/restarts.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[G5] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
