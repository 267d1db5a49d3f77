import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fullList } from "../../../src/core/inbound/inbox.ts";

const LIMITS = { perUser: 3, perChannel: 8, turnsPerChannel: 1 };

describe("[X4] fullList()", () => {
  const cases: readonly [ofUser: number, inChannel: number, full?: "user" | "channel"][] = [
    [0, 0],
    [1, 1],
    [3, 3],
    [4, 4, "user"],
    [5, 5, "user"],
    [0, 8],
    [0, 9, "channel"],
    [3, 8],
    [3, 9, "channel"],
    [4, 9, "user"],
  ];
  for (const [ofUser, inChannel, full] of cases) {
    it(`${ofUser} open turns of the sender, ${inChannel} in the channel: ${full ?? "room"}`, () => {
      assert.equal(fullList({ ofUser, inChannel }, LIMITS), full);
    });
  }

  it("lets one turn run beside the waiting ones, at any limits", () => {
    const limit = fc.integer({ min: 1, max: 100 });
    const burst = fc.integer({ min: 0, max: 300 });
    fc.assert(fc.property(limit, limit, burst, (perUser, perChannel, messages) => {
      let open = 0;
      for (let message = 0; message < messages; message++) {
        if (
          !fullList({ ofUser: open, inChannel: open }, { perUser, perChannel, turnsPerChannel: 1 })
        ) open += 1;
      }
      assert.equal(open, Math.min(messages, Math.min(perUser, perChannel) + 1));
    }));
  });
});
