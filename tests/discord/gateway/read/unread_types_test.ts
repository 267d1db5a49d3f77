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
    unread.skipped(misfit("MESSAGE_CREATE"), 0, 0);
    assert.deepEqual(told(), ["MESSAGE_CREATE 1 lasting"]);
    unread.understood("MESSAGE_CREATE");
    unread.skipped(misfit("MESSAGE_CREATE"), 0, 0);
    assert.deepEqual(told(), ["MESSAGE_CREATE 1"]);
  });

  it("tells three in a row as lasting", () => {
    const { unread, told } = setUp();
    unread.understood("GUILD_CREATE");
    for (let n = 0; n < 2; n++) unread.skipped(misfit("GUILD_CREATE"), 0, 0);
    assert.deepEqual(told(), ["GUILD_CREATE 2"]);
    unread.skipped(misfit("GUILD_CREATE"), 0, 0);
    assert.deepEqual(told(), ["GUILD_CREATE 3 lasting"]);
    unread.understood("GUILD_CREATE");
    assert.deepEqual(told(), ["GUILD_CREATE 0"]);
  });

  it("tells it for an hour, and longer if none could be read", () => {
    const { unread, told } = setUp();
    for (const type of ["GUILD_CREATE", "THREAD_DELETE", "INTERACTION_CREATE"]) {
      if (type === "THREAD_DELETE") unread.understood(type);
      unread.skipped(misfit(type), 0, 5);
    }
    unread.understood("GUILD_CREATE");
    assert.deepEqual(told(4 + HOUR_MS), [
      "GUILD_CREATE 0",
      "THREAD_DELETE 1",
      "INTERACTION_CREATE 1 lasting",
    ]);
    assert.deepEqual(told(5 + HOUR_MS), ["INTERACTION_CREATE 1 lasting"]);
  });

  it("asks for one new session for each needed type of a shard", () => {
    const { unread } = setUp();
    const asks = (type: string, shardId = 0) => {
      unread.skipped(misfit(type), shardId, 0);
      return unread.takeRenewal();
    };
    for (const type of ["MESSAGE_CREATE", "INTERACTION_CREATE", "GUILD_CREATE", "THREAD_UPDATE"]) {
      assert.deepEqual([asks(type), asks(type), asks(type, 1)], [true, false, true], type);
      unread.understood(type);
      assert.equal(asks(type), false, type);
    }
    // A new session brings none of these again.
    for (const type of ["MESSAGE_DELETE", "MESSAGE_REACTION_ADD", "THREAD_MEMBERS_UPDATE"]) {
      assert.equal(asks(type), false, type);
    }
    unread.skipped(misfit("READY"), 0, 0);
    unread.skipped(misfit("CHANNEL_UPDATE"), 0, 0);
    assert.deepEqual([unread.takeRenewal(), unread.takeRenewal()], [true, false]);
  });
});
