import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scenario, WEAKNESSES } from "./scenarios/kill9.ts";
import { IS_LONG } from "../support/long_form.ts";
import { assertKept, lineOf, SEED } from "./support/report.ts";

it(`[D1] [D2] [T1] ${scenario.name} › ${scenario.summary}`, async () => {
  assertKept(scenario.name, await scenario.run({ ...scenario.short, seed: SEED }));
});

describe("[D2] [T1] negative controls double replies and tools, as they must", () => {
  /**
   * By weakness. Each kill but the last must show it: the next bot repeats what the kill has cut.
   * One is played in every run, and the others in the long form.
   * `deno task chaos -- kill9 --weaken 1` and so on run the other weaknesses.
   */
  const controls = new Map([
    ["no intent", { kills: 3, bound: "nothing is doubled" }],
    ...(IS_LONG
      ? [
        ["random nonce", { kills: 3, bound: "nothing is doubled" }],
        ["no begun calls", { kills: 3, bound: "no call has two effects" }],
      ] as const
      : []),
  ]);
  for (const [index, { name }] of WEAKNESSES.entries()) {
    const control = controls.get(name);
    if (!control) continue;
    it(name, async () => {
      const report = await scenario.run({
        ...scenario.short,
        kills: control.kills,
        weaken: index + 1,
        seed: SEED,
      });
      console.log(`control: ${lineOf(report)}`);
      assert.ok(report.breaches.includes(control.bound), lineOf(report));
    });
  }
});
