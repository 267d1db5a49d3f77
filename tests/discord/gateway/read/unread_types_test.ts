/** Tests which types of dispatches are told as unreadable, and when a new session begins for them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createUnreadTypes } from "../../../../src/discord/gateway/read/unread_types.ts";

const HOUR_MS = 60 * 60_000;
const misfit = (type: string) => ({ type, why: "id does not fit" });

function setUp() {
  const unread = createUnreadTypes();
  const told = (now = 0) =>
    unread.list(now).map(({ type, count, isLasting }) =>
      `${type} ${count}${isLasting ? " lasting" : ""}`
    );
  return { unread, told };
}

describe("[G16] createUnreadTypes()", () => {
  it("tells the first one at once, and as lasting if none could be read so far", () => {
    const { unread, told } = setUp();
    assert.deepEqual(told(), []);
    unread.skipped(misfit("MESSAGE_CREATE"), 0);
    assert.deepEqual(told(), ["MESSAGE_CREATE 1 lasting"]);
    unread.understood("MESSAGE_CREATE");
    unread.skipped(misfit("MESSAGE_CREATE"), 0);
    assert.deepEqual(told(), ["MESSAGE_CREATE 1"]);
  });

  it("tells three in a row as lasting", () => {
    const { unread, told } = setUp();
    unread.understood("GUILD_CREATE");
    for (let n = 0; n < 2; n++) unread.skipped(misfit("GUILD_CREATE"), 0);
    assert.deepEqual(told(), ["GUILD_CREATE 2"]);
    unread.skipped(misfit("GUILD_CREATE"), 0);
    assert.deepEqual(told(), ["GUILD_CREATE 3 lasting"]);
    unread.understood("GUILD_CREATE");
    assert.deepEqual(told(), ["GUILD_CREATE 0"]);
  });

  it("tells it for an hour if later ones can be read, and for ever if none can", () => {
    const { unread, told } = setUp();
    unread.skipped(misfit("GUILD_CREATE"), 5);
    unread.skipped(misfit("INTERACTION_CREATE"), 5);
    unread.understood("GUILD_CREATE");
    assert.deepEqual(told(4 + HOUR_MS), ["GUILD_CREATE 0", "INTERACTION_CREATE 1 lasting"]);
    assert.deepEqual(told(5 + HOUR_MS), ["INTERACTION_CREATE 1 lasting"]);
  });

  it("asks for one new session for each type", () => {
    const { unread } = setUp();
    unread.skipped(misfit("MESSAGE_CREATE"), 0);
    unread.skipped(misfit("GUILD_CREATE"), 0);
    assert.deepEqual([unread.takeRenewal(), unread.takeRenewal()], [true, false]);
    unread.understood("MESSAGE_CREATE");
    unread.skipped(misfit("MESSAGE_CREATE"), 2 * HOUR_MS);
    assert.equal(unread.takeRenewal(), false);
    unread.skipped(misfit("INTERACTION_CREATE"), 0);
    assert.equal(unread.takeRenewal(), true);
  });

  it("neither tells nor asks for texts without a type", () => {
    const { unread, told } = setUp();
    unread.skipped(misfit("unknown"), 0);
    assert.deepEqual(told(), []);
    assert.equal(unread.takeRenewal(), false);
  });
});
