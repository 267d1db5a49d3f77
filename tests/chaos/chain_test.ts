/**
 * The chain from an event to its outcome; `deno task chaos -- chain` runs the long form. The control
 * is played by `deno task chaos -- long`.
 */

import assert from "node:assert/strict";
import { it } from "node:test";
import { scenario } from "./scenarios/chain.ts";
import { IS_LONG } from "../support/long_form.ts";
import { assertKept, lineOf, SEED } from "./support/report.ts";

it(`[W2] [T16] [D2] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});

if (IS_LONG) {
  it("[T16] a bot that forgets begun actions runs one twice, and the judge sees it", async () => {
    // On a busy machine, a kill may come after the action's result. One of six comes in time.
    const report = await scenario.run({ ...scenario.short, kills: 6, weaken: 1, seed: SEED });
    console.log(`control: ${lineOf(report)}`);
    assert.ok(report.breaches.includes("no action runs twice"), lineOf(report));
  });
}
