import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createRestartPolicy,
  DEATHS_MS,
  MAX_DEATHS,
} from "../../../../src/discord/gateway/main/supervisor.ts";

function policyAt(clock: { now: number }) {
  return createRestartPolicy({ now: () => clock.now, random: () => 0.5 });
}

describe("[G1] createRestartPolicy()", () => {
  it("waits longer after each death, and gives up in the end", () => {
    const policy = policyAt({ now: 0 });
    const waits: number[] = [];
    for (let death = 1; death < MAX_DEATHS; death++) {
      const next = policy.died();
      assert.equal(next.kind, "restart");
      if (next.kind === "restart") waits.push(next.inMs);
    }
    assert.deepEqual(waits, waits.toSorted((a, b) => a - b));
    assert.ok(waits[0]! < waits.at(-1)!);
    assert.deepEqual(policy.died(), { kind: "give_up", deaths: MAX_DEATHS });
  });

  it("ignores old deaths in decisions, but counts them", () => {
    const clock = { now: 0 };
    const policy = policyAt(clock);
    for (let death = 1; death < MAX_DEATHS; death++) policy.died();
    clock.now = DEATHS_MS;
    assert.equal(policy.died().kind, "restart");
    assert.equal(policy.deaths, MAX_DEATHS);
  });
});
