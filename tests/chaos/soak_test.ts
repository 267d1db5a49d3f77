/** Many messages during faults, in the short form; `deno task chaos -- soak` runs the long one. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scenario, slopeOf } from "./scenarios/soak.ts";
import { assertKept } from "./support/report.ts";

describe("slopeOf()", () => {
  const looks = (of: (messages: number) => number) =>
    [0, 5_000, 10_000, 15_000, 20_000].map((messages) => ({ messages, rssMib: of(messages) }));

  it("measures a process's growth in 10,000 messages", () => {
    assert.equal(slopeOf(looks((messages) => 80 + 3 * messages / 10_000)).toFixed(6), "3.000000");
    assert.equal(slopeOf(looks(() => 80)), 0);
  });

  it("leaves out measurements of an ended process", () => {
    const some = looks((messages) => messages === 10_000 ? NaN : 80 + 3 * messages / 10_000);
    assert.equal(slopeOf(some).toFixed(6), "3.000000");
  });
});

describe("[G5] [G6] [G7] [O7] a soak", () => {
  it("with 2,000 messages and 8 faults loses and doubles none", async () => {
    assertKept("soak", await scenario.run({ ...scenario.short, seed: 20_261_120 }));
  });
});
