import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CallingProgram } from "../../../../src/core/programs/service.ts";
import { createCallLimits } from "../../../../src/extras/api/calls/call_limits.ts";
import { userId } from "../../../support/discord/builders.ts";

const HOUSE: CallingProgram = {
  program: "house",
  userId: userId("123456789012345678"),
  perMinute: 2,
  atOnce: 1,
};

function build() {
  const clock = { at: 1_000_000 };
  const limits = createCallLimits(() => clock.at);
  const taken = (count: (caller: CallingProgram) => void, caller = HOUSE): number => {
    for (let made = 0;; made++) {
      try {
        count(caller);
      } catch (error) {
        assert.match(String(error), /try again in \d+ s$/);
        return made;
      }
    }
  };
  return { clock, limits, taken };
}

describe("[O14] createCallLimits()", () => {
  it("counts requests a minute, for each program alone", () => {
    const { clock, limits, taken } = build();
    assert.equal(taken(limits.count), 2);
    assert.equal(taken(limits.count, { ...HOUSE, program: "desk" }), 2);
    clock.at += 59_999;
    assert.equal(taken(limits.count), 0);
    clock.at += 1;
    assert.equal(taken(limits.count), 2);
  });

  it("counts requests for earlier answers apart, ten times as many", () => {
    const { clock, limits, taken } = build();
    assert.equal(taken(limits.countRead), 20);
    assert.equal(taken(limits.count), 2);
    assert.throws(
      () => limits.countRead(HOUSE),
      /house may ask 20 times a minute for earlier answers; try again in 60 s/,
    );
    clock.at += 60_000;
    assert.equal(taken(limits.countRead), 20);
  });

  it("delays no request after the clock was set back", () => {
    const { clock, limits, taken } = build();
    assert.equal(taken(limits.count), 2);
    clock.at -= 86_400_000;
    assert.equal(taken(limits.count), 2);
  });

  it("gives a place back once", () => {
    const { limits } = build();
    const back = limits.take(HOUSE);
    assert.throws(() => limits.take(HOUSE), /house waits for an answer already/);
    back();
    back();
    limits.take(HOUSE);
    assert.throws(() => limits.take(HOUSE), /already/);
  });
});
