import { it } from "node:test";
import { scenario } from "./scenarios/upgrades.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[O13] ${scenario.name} › ${scenario.summary}`, { timeout: 600_000 }, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
