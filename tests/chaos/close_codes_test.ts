import { it } from "node:test";
import { scenario } from "./scenarios/close_codes.ts";
import { assertKept, SEED } from "./support/report.ts";

it(`[G3] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});
