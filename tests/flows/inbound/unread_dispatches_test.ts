import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  createUnreadDispatches,
  type UnreadDispatches,
} from "../../../src/flows/inbound/unread_dispatches.ts";

function setUp() {
  let unread: readonly UnreadDispatches[] = [];
  const told: string[] = [];
  const report = createUnreadDispatches(
    { now: () => 0 },
    () => unread,
    (text) => {
      told.push(text);
      return Promise.resolve();
    },
  );
  return { report, told, set: (now: readonly UnreadDispatches[]) => void (unread = now) };
}

describe("[G16] createUnreadDispatches()", () => {
  it("tells the owners of each type once, and health as long as it lasts", () => {
    const { report, told, set } = setUp();
    set([{ type: "MESSAGE_CREATE", why: "author does not fit", count: 1, isLasting: true }]);
    for (let n = 0; n < 3; n++) report.read();
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /`MESSAGE_CREATE` events \(author does not fit\)/);
    set([{ type: "INTERACTION_CREATE", why: "token does not fit", count: 4, isLasting: true }]);
    report.read();
    assert.equal(told.length, 2);
    const [finding] = report.findings();
    assert.deepEqual([finding?.id, finding?.status], ["gateway:dispatches", "warn"]);
    set([{ type: "MESSAGE_CREATE", why: "author does not fit", count: 9, isLasting: true }]);
    assert.equal(report.findings()[0]?.status, "fail");
    set([{ type: "MESSAGE_CREATE", why: "author does not fit", count: 0, isLasting: false }]);
    const [{ status, why } = {}] = report.findings();
    const text = "Barnacle could not read a MESSAGE_CREATE (author does not fit)";
    assert.deepEqual([status, why], ["warn", text]);
    set([]);
    assert.deepEqual(report.findings(), []);
    assert.equal(told.length, 2);
  });

  it("tells the owners of a READY after the session was renewed once", () => {
    const { report, told } = setUp();
    report.readys(1);
    assert.deepEqual(told, []);
    report.readys(2);
    report.readys(3);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /`READY` events/);
  });
});
