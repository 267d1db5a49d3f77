import { it } from "node:test";
import { scenario } from "./scenarios/chain.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[W1] [A3] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
