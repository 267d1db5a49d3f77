import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import { createOriginals, ORIGINAL_MS } from "../../../src/flows/inbound/pluralkit.ts";
import { messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const ID = messageId("1400000000000000001");
const OTHER = messageId("1400000000000000002");

function rowOf(id: MessageId) {
  return { message: { id } };
}

function setUp() {
  const clock = new FakeClock();
  const alone: MessageId[] = [];
  const replaced: MessageId[] = [];
  const originals = createOriginals<ReturnType<typeof rowOf>>({
    schedule: clock.schedule,
    onAlone: ({ message }) => alone.push(message.id),
    onReplaced: ({ message }) => replaced.push(message.id),
  });
  return { alone, clock, originals, replaced };
}

describe("[P13] createOriginals()", () => {
  it("reports an original after two seconds without a replacement", () => {
    const { alone, clock, originals, replaced } = setUp();
    originals.add(rowOf(ID));
    clock.advance(ORIGINAL_MS - 1);
    assert.deepEqual(alone, []);
    clock.advance(1);
    assert.deepEqual([alone, replaced], [[ID], []]);
    assert.equal(originals.remove(ID), undefined);
  });

  it("ends the wait of a deleted message, and returns its row", () => {
    const { alone, clock, originals, replaced } = setUp();
    const row = rowOf(ID);
    originals.add(row);
    originals.add(rowOf(OTHER));
    assert.equal(originals.remove(ID), row);
    assert.equal(originals.remove(ID), undefined);
    clock.advance(ORIGINAL_MS);
    assert.deepEqual([alone, replaced], [[OTHER], []]);
  });

  it("does not wait for an original that was deleted before it arrived", () => {
    const { alone, clock, originals, replaced } = setUp();
    assert.equal(originals.remove(ID), undefined);
    originals.add(rowOf(ID));
    assert.deepEqual(replaced, [ID]);
    clock.advance(ORIGINAL_MS);
    assert.deepEqual(alone, []);
  });

  it("reports nothing after stop", () => {
    const { alone, clock, originals, replaced } = setUp();
    originals.add(rowOf(ID));
    originals.stop();
    clock.advance(ORIGINAL_MS);
    assert.deepEqual([alone, replaced], [[], []]);
  });
});
