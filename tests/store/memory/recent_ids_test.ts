import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRecentIds } from "../../../src/store/received/verdict_blocks.ts";
import { ACCOUNT, messageId } from "../../support/discord/builders.ts";

const MAX = 3;

describe("createRecentIds()", () => {
  it("[G7] never gives a wrong answer, for any order of arrival", () => {
    const aMessage = fc.record({ id: fc.integer({ min: 1, max: 40 }), restarts: fc.boolean() });
    fc.assert(
      fc.property(fc.array(aMessage, { maxLength: 80 }), (messages) => {
        const onRecord = new Map<number, number>();
        const readNewest = () => Math.max(-Infinity, ...onRecord.values());
        const recent = createRecentIds(readNewest, MAX);
        for (const { id, restarts } of messages) {
          if (restarts && id % 5 === 0) recent.forget();
          const sentAt = Math.floor(id / 3); // several messages share a millisecond
          const answer = recent.lookUp(ACCOUNT, messageId(`${id}`), sentAt);
          if (answer !== undefined) assert.equal(answer, onRecord.has(id));
          if (onRecord.has(id)) continue;
          onRecord.set(id, sentAt);
          recent.add(ACCOUNT, messageId(`${id}`), sentAt);
        }
      }),
    );
  });

  it("[G7] never needs the store for a message that was sent after all others", () => {
    const recent = createRecentIds(() => 0, MAX);
    for (let id = 1; id <= 100; id++) {
      assert.equal(recent.lookUp(ACCOUNT, messageId(`${id}`), id), false);
      recent.add(ACCOUNT, messageId(`${id}`), id);
      assert.equal(recent.lookUp(ACCOUNT, messageId(`${id}`), id), true);
    }
    assert.equal(recent.lookUp(ACCOUNT, messageId("1"), 1), undefined, "it is too old to be kept");
  });
});
