import { it } from "node:test";
import { scenario } from "./scenarios/block_main.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[G1] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
