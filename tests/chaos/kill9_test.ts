import { it } from "node:test";
import { scenario } from "./scenarios/kill9.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[D1] [D2] [T1] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
